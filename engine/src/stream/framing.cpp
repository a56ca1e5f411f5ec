#include <cassert>
#include <cstring>
#include <pollux/stream/framing.hpp>
#include <stdexcept>

namespace pollux {

Frame LineFraming::first(ByteView bytes) const noexcept {
    const ByteView looked_at = bytes.size() > limit_ ? bytes.first(limit_ + 1) : bytes;
    const auto* const end = static_cast<const std::byte*>(
        looked_at.empty() ? nullptr : std::memchr(looked_at.data(), '\n', looked_at.size()));
    if (end == nullptr)
        return {.state = bytes.size() > limit_ ? Frame::State::refused : Frame::State::partial};
    const auto length = static_cast<std::size_t>(end - bytes.data());
    return {Frame::State::complete, bytes.first(length), length + 1};
}

std::int32_t LengthFraming::length(ByteView bytes) noexcept {
    assert(bytes.size() >= head);
    std::uint32_t bits = 0;
    for (std::size_t i = 0; i < head; ++i)
        bits |= std::to_integer<std::uint32_t>(bytes[i]) << 8 * i;
    return static_cast<std::int32_t>(bits);
}

void LengthFraming::put_length(std::int32_t length, std::span<std::byte, head> into) noexcept {
    const auto bits = static_cast<std::uint32_t>(length);
    for (std::size_t i = 0; i < head; ++i) into[i] = static_cast<std::byte>(bits >> 8 * i);
}

Frame LengthFraming::first(ByteView bytes) const noexcept {
    if (bytes.size() < head) return {};
    const std::int32_t announced = length(bytes);
    if (announced < 0 || static_cast<std::size_t>(announced) > limit_)
        return {.state = Frame::State::refused};
    const auto size = static_cast<std::size_t>(announced);
    if (bytes.size() - head < size) return {};
    return {Frame::State::complete, bytes.subspan(head, size), head + size};
}

FixedFraming::FixedFraming(std::size_t size) : size_{size} {
    if (size == 0) throw std::invalid_argument{"FixedFraming: messages of no size"};
}

Frame FixedFraming::first(ByteView bytes) const noexcept {
    if (bytes.size() < size_) return {};
    return {Frame::State::complete, bytes.first(size_), size_};
}

} // namespace pollux
