#include "output.hpp"

#include "text.hpp"

#include <unistd.h>
#include <utility>

namespace demos {
namespace {

constexpr std::string_view kept = "\n\t";

// How many bytes at the back may be the front of a character.
std::size_t cut_character(std::string_view text) {
    for (std::size_t size = 1; size <= 3 && size <= text.size(); ++size) {
        const auto byte = static_cast<unsigned char>(text[text.size() - size]);
        if (byte < 0x80) return 0;
        const std::size_t whole = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : byte >= 0xC2 ? 2 : 0;
        if (whole > 0) return whole > size ? size : 0;
    }
    return 0;
}

} // namespace

Output::Output() : is_terminal_{::isatty(STDOUT_FILENO) != 0} {}

void Output::print(pollux::ByteView bytes) {
    if (!is_terminal_) return demos::print(pollux::text_of(bytes));
    std::string text = std::exchange(cut_, {});
    text += pollux::text_of(bytes);
    cut_ = text.substr(text.size() - cut_character(text));
    text.resize(text.size() - cut_.size());
    demos::print(harmless(text, kept));
}

void Output::finish() { demos::print(harmless(std::exchange(cut_, {}), kept)); }

} // namespace demos
