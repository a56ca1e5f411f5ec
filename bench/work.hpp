#pragma once

#include <chrono>
#include <time.h>

namespace bench {

/// Keeps the CPU busy for so long: the work of one request, the same in every server. Looks at the
/// clock until the time is over (clock_gettime(2) of CLOCK_MONOTONIC, which is no system call), so
/// time in which the thread was not running counts too.
inline void burn(std::chrono::nanoseconds time) noexcept {
    if (time.count() <= 0) return;
    const auto now = []() noexcept {
        timespec read{};
        ::clock_gettime(CLOCK_MONOTONIC, &read);
        return std::chrono::seconds{read.tv_sec} + std::chrono::nanoseconds{read.tv_nsec};
    };
    const std::chrono::nanoseconds until = now() + time;
    while (now() < until) {
    }
}

} // namespace bench
