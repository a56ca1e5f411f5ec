#pragma once

#include <cstddef>
#include <cstdint>
#include <pollux/bytes.hpp>

namespace pollux {

/// Where the first message ends in the bytes at hand: a framing's answer. A framing is a small
/// value that owns no bytes and no connection; it looks at what has come so far, from its first
/// byte on, each time some more has come.
struct Frame {
    enum class State : std::uint8_t {
        complete, ///< `message` is all there.
        partial,  ///< More must come.
        refused,  ///< What came can never be a message: over the limit, or a length below zero.
    };
    State state = State::partial;
    ByteView message{};   ///< The message without its frame, when complete.
    std::size_t size = 0; ///< Bytes to take: message and frame, when complete.
};

/// Lines that end with `\n`; a `\r` before it belongs to the line.
class LineFraming {
public:
    /// `limit`: bytes of a line without its end.
    explicit LineFraming(std::size_t limit) noexcept : limit_{limit} {}
    Frame first(ByteView bytes) const noexcept;

private:
    std::size_t limit_;
};

/// Messages that follow their length: a signed 32-bit little-endian number, as Python's
/// `struct.pack("<i", …)` writes it.
class LengthFraming {
public:
    static constexpr std::size_t head = 4; ///< Bytes of the length.

    /// `limit`: bytes of a message. A length below zero or above it is refused as soon as its four
    /// bytes are there.
    explicit LengthFraming(std::size_t limit) noexcept : limit_{limit} {}
    Frame first(ByteView bytes) const noexcept;

    /// The number that the first four bytes of `bytes` hold.
    static std::int32_t length(ByteView bytes) noexcept;
    /// Writes the four bytes of `length`.
    static void put_length(std::int32_t length, std::span<std::byte, head> into) noexcept;

private:
    std::size_t limit_;
};

/// Messages of a fixed size.
class FixedFraming {
public:
    /// Throws `std::invalid_argument` for zero: there would be no end of such messages.
    explicit FixedFraming(std::size_t size);
    Frame first(ByteView bytes) const noexcept;

private:
    std::size_t size_;
};

/// Calls `take(message)` with each complete message at the front of `bytes`. `taken` bytes are done
/// with: what `on_data` of a connection returns. `refused`: the next bytes can never be a message.
/// Ends early when `take` returns false, with that message taken.
struct Taken {
    std::size_t taken = 0;
    bool refused = false;
};
template <class Framing, class Take>
Taken take_messages(const Framing& framing, ByteView bytes, Take take) {
    Taken result;
    while (true) {
        const Frame frame = framing.first(bytes.subspan(result.taken));
        if (frame.state != Frame::State::complete) {
            result.refused = frame.state == Frame::State::refused;
            return result;
        }
        result.taken += frame.size;
        if (!take(frame.message)) return result;
    }
}

} // namespace pollux
