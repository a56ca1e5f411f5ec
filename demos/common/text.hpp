#pragma once

// Text as people read it: UTF-8 (RFC 3629).

#include <optional>
#include <string>
#include <string_view>

namespace demos {

/// The bytes of the character at the front: 1 to 4, or 0 when there is none, or what is there is
/// not UTF-8 (cut off, overlong, a surrogate, above U+10FFFF).
std::size_t front_character(std::string_view text) noexcept;

bool is_utf8(std::string_view text) noexcept;

/// For a terminal or a log: UTF-8 as it is, but control characters (C0, DEL, C1, and those that
/// turn the direction of writing) and bytes that are no UTF-8 as `\xNN`, byte by byte. Peers can
/// then neither move the cursor nor forge a line. `kept` names control characters to be left in.
std::string harmless(std::string_view text, std::string_view kept = "");

/// The text without the end of a line (`\n` or `\r\n`) at its back.
std::string_view without_line_end(std::string_view text) noexcept;

/// Prints to standard output, byte for byte and at once, also when that is a pipe. Waits while the
/// reader is slow. Does nothing when the reader is gone.
void print(std::string_view text);

/// Prints `heading`, what a peer said made `harmless`, without the end of its line, and an end of
/// line: one line whatever the peer said.
void print_line(std::string_view text, std::string_view heading = "");

} // namespace demos
