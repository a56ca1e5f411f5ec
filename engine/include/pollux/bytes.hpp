#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace pollux {

/// Bytes that somebody else owns and keeps unchanged while they are looked at.
using ByteView = std::span<const std::byte>;

/// The bytes of a text, without a terminating zero. Nothing is copied.
inline ByteView bytes_of(std::string_view text) noexcept { return std::as_bytes(std::span{text}); }

/// Bytes looked at as text, zeros included. Nothing is copied or checked.
inline std::string_view text_of(ByteView bytes) noexcept {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

} // namespace pollux
