#include "line_input.hpp"

#include <cerrno>
#include <pollux/bytes.hpp>
#include <unistd.h>
#include <utility>

namespace demos {

using namespace pollux;

LineInput::LineInput(EventLoop& loop, OnLine on_line, Task on_end)
    : loop_{loop},
      on_line_{std::move(on_line)},
      on_end_{std::move(on_end)},
      watch_{loop.watch(STDIN_FILENO, Interest::read, Trigger::level,
                        [this](Readiness) { read(); })} {}

void LineInput::pause() {
    paused_ = true;
    if (watch_) watch_.pause();
}

void LineInput::resume() {
    if (!std::exchange(paused_, false)) return;
    if (watch_) watch_.resume();
    // Not from here: the caller may be in the middle of something.
    soon_ = loop_.run_after(Clock::duration::zero(), [this] { hand_out(); });
}

void LineInput::read() {
    const std::span<std::byte> into = loop_.scratch();
    const ssize_t count = ::read(STDIN_FILENO, into.data(), into.size());
    if (count < 0 && (errno == EINTR || errno == EAGAIN)) return;
    if (count > 0) {
        lines_ += text_of(into.first(static_cast<std::size_t>(count)));
    } else {
        ended_ = true;
        if (!as_it_is_ && !lines_.empty() && lines_.back() != '\n') lines_ += '\n';
        watch_ = {};
    }
    hand_out();
}

void LineInput::hand_out() {
    if (std::exchange(handing_out_, true)) return;
    if (as_it_is_ && !paused_ && !lines_.empty()) on_line_(std::exchange(lines_, {}));
    std::size_t begin = 0;
    while (!paused_) {
        const std::size_t end = lines_.find('\n', begin);
        if (end == std::string::npos) break;
        std::string line = lines_.substr(begin, end - begin);
        if (line.ends_with('\r')) line.pop_back();
        begin = end + 1;
        on_line_(line);
    }
    lines_.erase(0, begin);
    handing_out_ = false;
    if (ended_ && lines_.empty() && !paused_) {
        if (Task on_end = std::exchange(on_end_, {})) on_end();
    }
}

} // namespace demos
