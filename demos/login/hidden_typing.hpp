#pragma once

#include <optional>
#include <termios.h>

namespace demos {

/// While it lives, what is typed at the terminal of standard input is not shown, apart from the end
/// of the line. What was typed before is forgotten. The terminal is as it was after `stop` and the
/// destructor. Does nothing where standard input is no terminal.
class HiddenTyping {
public:
    HiddenTyping() = default;
    ~HiddenTyping() { stop(); }
    HiddenTyping(const HiddenTyping&) = delete;
    HiddenTyping& operator=(const HiddenTyping&) = delete;

    void start();
    void stop() noexcept;
    bool on() const noexcept { return before_.has_value(); }

private:
    std::optional<termios> before_;
};

} // namespace demos
