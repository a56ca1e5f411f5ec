#pragma once

#include <chrono>
#include <ctime>

namespace bench {

/// Takes so much CPU time of the calling thread; at once when nothing is asked for.
inline void burn(std::chrono::nanoseconds amount) {
    if (amount <= std::chrono::nanoseconds::zero()) return;
    const auto used = [] {
        timespec time{};
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
        return std::chrono::seconds{time.tv_sec} + std::chrono::nanoseconds{time.tv_nsec};
    };
    for (const auto end = used() + amount; used() < end;) {
    }
}

} // namespace bench
