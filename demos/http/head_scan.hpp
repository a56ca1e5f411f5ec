#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace demos::http {

/// Finds where the head of a request ends, byte by byte, so that the answer is the same however the
/// head was cut on the way. On the way it refuses what the grammar (RFC 9112, 2.2 and 5) knows in
/// no place of a head and what servers and proxies were tricked with because they disagree about
/// it: a line feed or a carriage return alone, other control characters, folded lines, bytes above
/// 127 in the request line.
class HeadScan {
public:
    enum class State : std::uint8_t { partial, complete, malformed, line_too_long, too_long };
    struct Limits {
        std::size_t line = 8192;  ///< Of the request line, without its end.
        std::size_t head = 16384; ///< Of everything, empty line included.
    };
    enum class From : std::uint8_t { request_line, fields };

    explicit HeadScan(Limits limits, From from = From::request_line) noexcept
        : limits_{limits}, from_{from} {
        restart();
    }

    /// `bytes`: all that has come, from the first byte of the head on.
    State look(std::string_view bytes) noexcept;

    /// When it is complete: an empty line that came before the request line, and all together.
    std::size_t begin() const noexcept { return begin_; }
    std::size_t end() const noexcept { return at_; }

    void restart() noexcept;

private:
    State step(char character) noexcept;
    State end_line() noexcept;

    Limits limits_;
    From from_;
    bool in_request_line_ = true;
    bool after_return_ = false;
    std::size_t at_ = 0;
    std::size_t begin_ = 0;
    std::size_t line_ = 0; // where this line began
};

} // namespace demos::http
