#include "chunk_scan.hpp"

#include "head_scan.hpp"

namespace demos::http {
namespace {

constexpr std::string_view line_end = "\r\n";
constexpr std::size_t longest_line = 256; // bytes: a size, and extensions that nobody here uses
constexpr std::size_t most_digits = 16;
constexpr HeadScan::Limits trailer{.line = 0, .head = 4096};

bool is_hex_digit(char character) noexcept {
    return (character >= '0' && character <= '9') || (character >= 'a' && character <= 'f') ||
           (character >= 'A' && character <= 'F');
}

// Takes the end of a line from the front.
ChunkScan take_line_end(std::string_view& bytes) noexcept {
    const std::string_view front = bytes.substr(0, line_end.size());
    if (!line_end.starts_with(front)) return ChunkScan::malformed;
    if (front != line_end) return ChunkScan::partial;
    bytes.remove_prefix(line_end.size());
    return ChunkScan::complete;
}

// Takes the line with the size. `last`: that is zero.
ChunkScan take_line(std::string_view& bytes, bool& last) noexcept {
    std::size_t digits = 0;
    std::size_t at = 0;
    for (; at < bytes.size() && bytes[at] != '\r'; ++at) {
        const auto byte = static_cast<unsigned char>(bytes[at]);
        if (digits == at && is_hex_digit(bytes[at])) {
            last = last && bytes[at] == '0';
            ++digits;
        } else if (digits == at && bytes[at] != ';') {
            return ChunkScan::malformed;
        }
        if (byte < 0x20 || byte >= 0x7F || digits == 0 || digits > most_digits ||
            at >= longest_line)
            return ChunkScan::malformed;
    }
    if (digits == 0 && at < bytes.size()) return ChunkScan::malformed;
    bytes.remove_prefix(at);
    return take_line_end(bytes);
}

} // namespace

ChunkScan scan_chunk(std::string_view bytes, bool first) noexcept {
    bool last = true;
    ChunkScan result = first ? ChunkScan::complete : take_line_end(bytes);
    if (result == ChunkScan::complete) result = take_line(bytes, last);
    if (result != ChunkScan::complete || !last) return result;
    HeadScan scan{trailer, HeadScan::From::fields};
    switch (scan.look(bytes)) {
    case HeadScan::State::partial:
        return ChunkScan::partial;
    case HeadScan::State::complete:
        return ChunkScan::complete;
    case HeadScan::State::too_long:
        return ChunkScan::trailer_too_long;
    default:
        return ChunkScan::malformed;
    }
}

} // namespace demos::http
