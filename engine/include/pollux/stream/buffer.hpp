#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <pollux/bytes.hpp>

namespace pollux {

/// Bytes in a row: appended at the back, taken from the front, always readable as one piece. Owns
/// no memory while it is empty and was never filled, or after `release`.
class Buffer {
public:
    Buffer() noexcept = default;

    bool empty() const noexcept { return begin_ == end_; }
    std::size_t size() const noexcept { return end_ - begin_; }

    /// How many bytes `append` takes without memory of its own to ask for.
    std::size_t room() const noexcept { return capacity_ - end_; }

    /// What is in it; valid until the next change.
    ByteView view() const noexcept { return {memory_.get() + begin_, size()}; }

    /// Copies `bytes`, which must not lie in this buffer, to the back. Throws std::length_error
    /// when the sum does not fit a size_t, and std::bad_alloc; the buffer is then as it was.
    void append(ByteView bytes) {
        if (bytes.size() > capacity_ - end_) [[unlikely]]
            make_room(bytes.size());
        if (bytes.empty()) return;
        std::memcpy(memory_.get() + end_, bytes.data(), bytes.size());
        end_ += bytes.size();
    }

    /// Takes `count` bytes, at most all, from the front. Keeps the memory.
    void consume(std::size_t count) noexcept;

    /// Empties it and keeps the memory.
    void clear() noexcept { begin_ = end_ = 0; }
    /// Empties it and gives the memory back.
    void release() noexcept;

private:
    void make_room(std::size_t count);

    std::unique_ptr<std::byte[]> memory_;
    std::size_t capacity_ = 0;
    std::size_t begin_ = 0;
    std::size_t end_ = 0;
};

} // namespace pollux
