#include <pollux/coro/sleep.hpp>

#include <pollux/event_loop.hpp>

namespace pollux::coro {

bool Sleep::start() {
    const auto wake = [this] { resume(); };
    timer_ = delay_ > Clock::duration::zero() ? loop().run_after(delay_, wake)
                                              : loop().run_at(due_, wake);
    return true;
}

bool Sleep::give_up() noexcept {
    timer_ = {};
    return true;
}

bool NextTurn::start() {
    resume_later();
    return true;
}

} // namespace pollux::coro
