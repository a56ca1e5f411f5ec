#include "arriving_text.hpp"

#include "text.hpp"

#include <algorithm>
#include <utility>

namespace demos {
namespace {

constexpr std::string_view kept = "\n\t";

// How many bytes at the back begin a character that is longer than they are.
std::size_t cut_character(std::string_view text) noexcept {
    constexpr std::size_t longest = 4;
    for (std::size_t size = 1; size <= std::min(text.size(), longest - 1); ++size) {
        const auto byte = static_cast<unsigned char>(text[text.size() - size]);
        if ((byte & 0xC0U) == 0x80) continue; // not its first
        const std::size_t whole = byte < 0xC2 ? 1 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : longest;
        return byte < 0xF5 && size < whole ? size : 0;
    }
    return 0;
}

} // namespace

std::string ArrivingText::take(pollux::ByteView piece) {
    std::string text = std::exchange(cut_, {});
    text += pollux::text_of(piece);
    const std::size_t whole = text.size() - cut_character(text);
    cut_ = text.substr(whole);
    text.resize(whole);
    return harmless(text, kept);
}

std::string ArrivingText::rest() { return harmless(std::exchange(cut_, {}), kept); }

} // namespace demos
