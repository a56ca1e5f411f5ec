// What members of a chat write, as the others see it: UTF-8 that commands no terminal, the same
// however it is cut.

#include "common/arriving_text.hpp"
#include "common/text.hpp"
#include "common/upload_directory.hpp"
#include "fuzzing.hpp"

#include <algorithm>
#include <cstdint>

namespace {

using pollux_test::must;

// The characters of a text by another way: a state machine in place of rules for each length.
bool reads_as_utf8(std::string_view text) {
    int more = 0;
    std::uint32_t code = 0;
    std::uint32_t least = 0;
    for (const char each : text) {
        const auto byte = static_cast<unsigned char>(each);
        if (more > 0) {
            if (byte < 0x80 || byte > 0xBF) return false;
            code = code * 64 + (byte - 0x80U);
            if (--more == 0 && (code < least || code > 0x10FFFF || code / 0x800 == 0x1B))
                return false;
        } else if (byte >= 0xC0 && byte < 0xF8) {
            more = byte < 0xE0 ? 1 : byte < 0xF0 ? 2 : 3;
            code = byte % (more == 1 ? 32U : more == 2 ? 16U : 8U);
            least = more == 1 ? 0x80 : more == 2 ? 0x800 : 0x10000;
        } else if (byte >= 0x80) {
            return false;
        }
    }
    return more == 0;
}

// None that moves a cursor, begins a line or turns the direction of writing.
bool is_harmless(std::string_view text, std::string_view kept) {
    for (const char byte : text)
        if ((static_cast<unsigned char>(byte) < 0x20 || byte == 0x7F) &&
            kept.find(byte) == std::string_view::npos)
            return false;
    for (const std::string_view bad :
         {"\xE2\x80\xA8", "\xE2\x80\xA9", "\xE2\x80\x8E", "\xE2\x80\x8F", "\xE2\x80\xAA",
          "\xE2\x80\xAE", "\xE2\x81\xA6", "\xE2\x81\xA9", "\xC2\x80", "\xC2\x9B", "\xC2\x9F"})
        if (text.find(bad) != std::string_view::npos) return false;
    return true;
}

// Bytes of the characters before the first that is none.
std::size_t characters_at_front(std::string_view text) {
    const std::size_t all = text.size();
    while (true) {
        const std::size_t size = demos::front_character(text);
        if (size == 0) return all - text.size();
        must(size <= text.size() && reads_as_utf8(text.substr(0, size)), "a character is whole");
        text.remove_prefix(size);
    }
}

void fuzz(std::string_view input) {
    must(demos::is_utf8(input) == reads_as_utf8(input), "two readers agree about UTF-8");
    must(characters_at_front(input) == input.size() || !demos::is_utf8(input),
         "UTF-8 is characters throughout");

    const std::string shown = demos::harmless(input, "\n\t");
    must(reads_as_utf8(shown) && is_harmless(shown, "\n\t"), "what is shown does no harm", shown);
    must(demos::harmless(shown, "\n\t") == shown, "and stays as it is");
    must(is_harmless(demos::harmless(input), ""), "one line stays one line");
    must(input.starts_with(demos::without_line_end(input)), "only the end of a line goes");
    if (demos::is_upload_name(input))
        must(!input.empty() && input.front() != '.' && input.size() <= 255 &&
                 input.find('/') == input.npos && is_harmless(input, "") && reads_as_utf8(input),
             "a name for a file is no path");

    for (const auto& pieces : pollux_test::ways_to_cut(input)) {
        demos::ArrivingText arriving;
        std::string seen;
        for (const std::string_view piece : pieces) seen += arriving.take(pollux::bytes_of(piece));
        must(seen + arriving.rest() == shown, "it is shown the same however it is cut", seen);
        must(arriving.rest().empty(), "the rest comes once");
    }
}

const pollux_test::FuzzTarget target{"chat_text", fuzz};

} // namespace
