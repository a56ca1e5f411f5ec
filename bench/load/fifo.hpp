#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

namespace load {

/// A queue in one piece of memory, none while it has never held anything: thousands of connections
/// have one each.
template <class Value> class Fifo {
public:
    bool empty() const noexcept { return count_ == 0; }
    std::size_t size() const noexcept { return count_; }
    void clear() noexcept { count_ = 0; }

    void push(Value value) {
        if (count_ == ring_.size()) grow();
        ring_[(first_ + count_++) & (ring_.size() - 1)] = value;
    }

    /// Takes the oldest.
    Value pop() noexcept {
        const Value value = ring_[first_];
        first_ = (first_ + 1) & (ring_.size() - 1);
        --count_;
        return value;
    }

private:
    void grow() {
        std::rotate(ring_.begin(), ring_.begin() + static_cast<std::ptrdiff_t>(first_),
                    ring_.end());
        first_ = 0;
        ring_.resize(std::max<std::size_t>(1, 2 * ring_.size()));
    }

    std::vector<Value> ring_; // a power of two
    std::size_t first_ = 0;
    std::size_t count_ = 0;
};

} // namespace load
