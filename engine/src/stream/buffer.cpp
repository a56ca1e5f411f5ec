#include <pollux/stream/buffer.hpp>

#include <algorithm>
#include <cassert>
#include <cstring>
#include <limits>
#include <stdexcept>

namespace pollux {
namespace {

constexpr std::size_t first_capacity = 512;

}

void Buffer::consume(std::size_t count) noexcept {
    assert(count <= size());
    begin_ += std::min(count, size());
    if (empty()) clear();
}

void Buffer::release() noexcept {
    memory_.reset();
    capacity_ = begin_ = end_ = 0;
}

// Moves what is there to the front of the memory when that leaves half of it free; doubles it
// otherwise. Either way a byte is moved a bounded number of times.
void Buffer::make_room(std::size_t count) {
    constexpr std::size_t most = std::numeric_limits<std::size_t>::max() / 2;
    if (count > most - size()) throw std::length_error{"Buffer::append: too long"};
    const std::size_t needed = size() + count;
    if (needed <= capacity_ / 2) {
        std::memmove(memory_.get(), memory_.get() + begin_, size());
    } else {
        const std::size_t capacity = std::max({first_capacity, needed, 2 * capacity_});
        auto memory = std::make_unique_for_overwrite<std::byte[]>(capacity);
        if (!empty()) std::memcpy(memory.get(), memory_.get() + begin_, size());
        memory_ = std::move(memory);
        capacity_ = capacity;
    }
    end_ = size();
    begin_ = 0;
}

} // namespace pollux
