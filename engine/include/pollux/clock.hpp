#pragma once

#include <chrono>

namespace pollux {

/// The clock of deadlines: CLOCK_MONOTONIC (clock_gettime(2)), in nanoseconds. Setting the time of
/// day does not move it; it stands still while the machine is suspended. It is the library's own,
/// and not std::chrono::steady_clock, so that tests linked with `pollux_hooked` can set it.
struct Clock {
    using duration = std::chrono::nanoseconds;
    using rep = duration::rep;
    using period = duration::period;
    using time_point = std::chrono::time_point<Clock>;
    static constexpr bool is_steady = true;

    static time_point now() noexcept;
};

/// `delay` after `start`, or the end of time where that does not fit.
constexpr Clock::time_point later(Clock::time_point start, Clock::duration delay) noexcept {
    if (delay > Clock::duration::zero() && start > Clock::time_point::max() - delay)
        return Clock::time_point::max();
    if (delay < Clock::duration::zero() && start < Clock::time_point::min() - delay)
        return Clock::time_point::min();
    return start + delay;
}

} // namespace pollux
