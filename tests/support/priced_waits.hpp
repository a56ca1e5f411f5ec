#pragma once

#include <chrono>
#include <cstddef>
#include <pollux/instruments/call_hook.hpp>

namespace pollux_test {

/// What a wait takes on some machine, in nanoseconds.
struct Prices {
    std::size_t epoll = 0;
    std::size_t epoll_event = 0;
    std::size_t poll = 0;
    std::size_t poll_watched = 0;

    std::chrono::nanoseconds of_epoll(std::size_t ready) const {
        return std::chrono::nanoseconds{epoll + epoll_event * ready};
    }
    std::chrono::nanoseconds of_poll(std::size_t watched) const {
        return std::chrono::nanoseconds{poll + poll_watched * watched};
    }
};

/// Where poll costs next to nothing, whoever can choose polls.
inline constexpr Prices poll_is_cheap{
    .epoll = 1'000, .epoll_event = 1'000, .poll = 1'000, .poll_watched = 1};

/// While it lives, a wait on epoll(7) or poll(2) takes exactly its price on the fake clock, and is
/// counted.
class PricedWaits {
public:
    explicit PricedWaits(const Prices& prices) : prices_{prices} {}

    /// From now on so many are watched, and so many of them ready.
    void set(std::size_t watched, std::size_t ready) {
        watched_ = watched;
        ready_ = ready;
    }
    std::size_t on_epoll() const { return on_epoll_; }
    std::size_t on_poll() const { return on_poll_; }

private:
    pollux::CallOutcome decide(const pollux::CallPoint& call) {
        pollux::CallOutcome outcome;
        if (call.name == "epoll_wait" || call.name == "epoll_pwait2") {
            ++on_epoll_;
            outcome.delay = prices_.of_epoll(ready_);
        } else if (call.name == "ppoll") {
            ++on_poll_;
            outcome.delay = prices_.of_poll(watched_);
        }
        return outcome;
    }

    Prices prices_;
    std::size_t watched_ = 0;
    std::size_t ready_ = 0;
    std::size_t on_epoll_ = 0;
    std::size_t on_poll_ = 0;
    pollux::FakeClock clock_;
    pollux::CallHook hook_{[this](const pollux::CallPoint& call) { return decide(call); }};
};

} // namespace pollux_test
