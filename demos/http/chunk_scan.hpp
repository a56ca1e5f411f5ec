#pragma once

#include <cstdint>
#include <string_view>

namespace demos::http {

/// Whether what stands before the bytes of a chunk (RFC 9112, 7.1) is there and in order: the end
/// of the chunk before it, unless this is the first one, the line with its size, and the whole
/// trailer if it is the last one. Strict, as `HeadScan` is: hexadecimal digits and nothing else
/// before the end of the line or a ";".
enum class ChunkScan : std::uint8_t { partial, complete, malformed, trailer_too_long };
ChunkScan scan_chunk(std::string_view bytes, bool first) noexcept;

} // namespace demos::http
