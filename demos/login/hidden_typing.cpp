#include "hidden_typing.hpp"

#include <unistd.h>

namespace demos {

void HiddenTyping::start() {
    termios settings{};
    if (on() || ::tcgetattr(STDIN_FILENO, &settings) != 0) return;
    before_ = settings;
    settings.c_lflag &= ~static_cast<tcflag_t>(ECHO | ECHOE | ECHOK);
    settings.c_lflag |= ECHONL;
    ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &settings);
}

void HiddenTyping::stop() noexcept {
    if (on()) ::tcsetattr(STDIN_FILENO, TCSADRAIN, &*before_);
    before_.reset();
}

} // namespace demos
