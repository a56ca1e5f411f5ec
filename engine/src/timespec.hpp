#pragma once

#include <pollux/reactor.hpp>
#include <time.h>

namespace pollux {

/// A timeout as the kernel takes it; what is negative becomes zero.
inline timespec to_timespec(Timeout timeout) noexcept {
    if (timeout <= Timeout::zero()) return {};
    const auto seconds = std::chrono::floor<std::chrono::seconds>(timeout);
    return {.tv_sec = seconds.count(), .tv_nsec = (timeout - seconds).count()};
}

} // namespace pollux
