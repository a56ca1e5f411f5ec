#pragma once

#include <chrono>
#include <time.h>

namespace pollux {

/// A timeout as the kernel takes it; what is negative becomes zero.
inline timespec to_timespec(std::chrono::nanoseconds timeout) noexcept {
    if (timeout <= std::chrono::nanoseconds::zero()) return {};
    const auto seconds = std::chrono::floor<std::chrono::seconds>(timeout);
    return {.tv_sec = seconds.count(), .tv_nsec = (timeout - seconds).count()};
}

} // namespace pollux
