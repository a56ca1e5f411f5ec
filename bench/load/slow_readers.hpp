#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <queue>
#include <utility>
#include <vector>

namespace load {

/// When each of many connections may read again, so that each reads so much a second and no more.
class SlowReaders {
public:
    /// Zero bytes a second: as they come.
    SlowReaders(std::uint64_t bytes_per_second, std::size_t connections)
        : rate_(bytes_per_second), allowed_(rate_ > 0 ? connections : 0) {}

    bool slow() const noexcept { return rate_ > 0; }

    /// How much to read at a time: what a hundredth of a second allows, so that it trickles.
    std::size_t room(std::size_t most) const noexcept {
        if (!slow()) return most;
        return static_cast<std::size_t>(std::clamp<std::uint64_t>(rate_ / 100, 1, most));
    }

    /// This connection has read so much, and must not read until its turn comes.
    void read(std::size_t index, std::size_t count, std::int64_t time) {
        // Who was woken a little late may catch up, who had nothing to read may not.
        const std::int64_t from = std::max(allowed_[index], time - catch_up);
        allowed_[index] = from + static_cast<std::int64_t>(static_cast<double>(count) * 1e9 /
                                                           static_cast<double>(rate_));
        turns_.emplace(allowed_[index], index);
    }

    /// The moment of the next turn.
    std::int64_t next() const noexcept {
        return turns_.empty() ? std::numeric_limits<std::int64_t>::max() : turns_.top().first;
    }

    /// Whose it is.
    std::size_t pop() {
        const std::size_t index = turns_.top().second;
        turns_.pop();
        return index;
    }

private:
    using Turn = std::pair<std::int64_t, std::size_t>;
    static constexpr std::int64_t catch_up = 20'000'000;

    std::uint64_t rate_;
    std::vector<std::int64_t> allowed_;
    std::priority_queue<Turn, std::vector<Turn>, std::greater<>> turns_;
};

} // namespace load
