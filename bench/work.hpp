#pragma once

#include <chrono>
#include <time.h>

namespace bench {

inline std::chrono::nanoseconds time_of(clockid_t clock) noexcept {
    timespec now{};
    ::clock_gettime(clock, &now);
    return std::chrono::seconds{now.tv_sec} + std::chrono::nanoseconds{now.tv_nsec};
}

/// Burns so much CPU time of this thread: the work of one request, the same in every server, also
/// where several threads share a core. The thread's own clock is asked twice, or more often when
/// the thread was put off its core: those are system calls. Between, the time of day is looked at,
/// which is none.
inline void burn(std::chrono::nanoseconds time) noexcept {
    if (time.count() <= 0) return;
    const auto until = time_of(CLOCK_THREAD_CPUTIME_ID) + time;
    for (auto left = time; left.count() > 0; left = until - time_of(CLOCK_THREAD_CPUTIME_ID)) {
        const auto look_again = time_of(CLOCK_MONOTONIC) + left;
        while (time_of(CLOCK_MONOTONIC) < look_again) {
        }
    }
}

} // namespace bench
