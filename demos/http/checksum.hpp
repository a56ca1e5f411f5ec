#pragma once

#include <cstdint>
#include <string_view>

namespace demos::http {

/// CRC-32 as gzip and zlib have it (ISO 3309): tells whether all arrived, not who sent it.
std::uint32_t crc32(std::string_view bytes) noexcept;

} // namespace demos::http
