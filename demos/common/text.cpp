#include "text.hpp"

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <poll.h>
#include <unistd.h>

namespace demos {
namespace {

std::uint32_t code_point(std::string_view character) noexcept {
    const auto lead = static_cast<unsigned char>(character[0]);
    if (character.size() == 1) return lead;
    std::uint32_t code = lead & (0x7FU >> character.size());
    for (const char byte : character.substr(1))
        code = code << 6 | (static_cast<unsigned char>(byte) & 0x3FU);
    return code;
}

bool does_harm(std::uint32_t code) noexcept {
    return code < 0x20 || (code >= 0x7F && code < 0xA0) || // C0, DEL, C1
           code == 0x2028 || code == 0x2029 ||             // other ends of a line
           code == 0x200E || code == 0x200F || (code >= 0x202A && code <= 0x202E) ||
           (code >= 0x2066 && code <= 0x2069); // bidirectional controls
}

} // namespace

std::size_t front_character(std::string_view text) noexcept {
    if (text.empty()) return 0;
    const auto lead = static_cast<unsigned char>(text[0]);
    if (lead < 0x80) return 1;
    const std::size_t size = lead >= 0xC2 && lead < 0xE0   ? 2
                             : lead >= 0xE0 && lead < 0xF0 ? 3
                             : lead >= 0xF0 && lead < 0xF5 ? 4
                                                           : 0;
    if (size == 0 || text.size() < size) return 0;
    for (std::size_t i = 1; i < size; ++i)
        if ((static_cast<unsigned char>(text[i]) & 0xC0U) != 0x80) return 0;
    const std::uint32_t code = code_point(text.substr(0, size));
    const bool overlong = (size == 3 && code < 0x800) || (size == 4 && code < 0x10000);
    const bool surrogate = code >= 0xD800 && code < 0xE000;
    return overlong || surrogate || code > 0x10FFFF ? 0 : size;
}

bool is_utf8(std::string_view text) noexcept {
    while (!text.empty()) {
        const std::size_t size = front_character(text);
        if (size == 0) return false;
        text.remove_prefix(size);
    }
    return true;
}

std::string harmless(std::string_view text, std::string_view kept) {
    std::string result;
    result.reserve(text.size());
    while (!text.empty()) {
        const std::size_t size = front_character(text);
        const std::string_view character = text.substr(0, size == 0 ? 1 : size);
        text.remove_prefix(character.size());
        const bool as_it_is = size > 0 && (!does_harm(code_point(character)) ||
                                           kept.find(character) != std::string_view::npos);
        if (as_it_is) {
            result += character;
            continue;
        }
        for (const char byte : character) {
            std::array<char, 5> escaped{};
            std::snprintf(escaped.data(), escaped.size(), "\\x%02x",
                          static_cast<unsigned>(static_cast<unsigned char>(byte)));
            result += escaped.data();
        }
    }
    return result;
}

std::string_view without_line_end(std::string_view text) noexcept {
    if (!text.ends_with('\n')) return text;
    text.remove_suffix(1);
    if (text.ends_with('\r')) text.remove_suffix(1);
    return text;
}

void print(std::string_view text) {
    while (!text.empty()) {
        const ssize_t written = ::write(STDOUT_FILENO, text.data(), text.size());
        if (written > 0) {
            text.remove_prefix(static_cast<std::size_t>(written));
        } else if (written < 0 && errno == EAGAIN) { // somebody else made it non-blocking
            pollfd ready{.fd = STDOUT_FILENO, .events = POLLOUT, .revents = 0};
            ::poll(&ready, 1, -1);
        } else if (errno != EINTR) {
            return;
        }
    }
}

void print_line(std::string_view text, std::string_view heading) {
    print(std::string{heading} + harmless(without_line_end(text)) + '\n');
}

} // namespace demos
