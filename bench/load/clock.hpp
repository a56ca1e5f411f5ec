#pragma once

#include <cstdint>
#include <time.h>

namespace load {

inline std::int64_t nanoseconds_of(clockid_t clock) noexcept {
    timespec time{};
    clock_gettime(clock, &time);
    return time.tv_sec * std::int64_t{1'000'000'000} + time.tv_nsec;
}

inline std::int64_t now() noexcept { return nanoseconds_of(CLOCK_MONOTONIC); }

} // namespace load
