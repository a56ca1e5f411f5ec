#pragma once

#include <cstdint>
#include <string_view>

namespace demos::http {

/// What the field Range asks of `size` bytes (RFC 9110, 14.2). One range of bytes is served;
/// several, another unit or something malformed count as not asked, which the RFC allows.
struct ByteRange {
    enum class Kind : std::uint8_t { whole, part, unsatisfiable };
    Kind kind = Kind::whole;
    std::uint64_t first = 0;
    std::uint64_t count = 0;
};
ByteRange parse_range(std::string_view field, std::uint64_t size) noexcept;

} // namespace demos::http
