#pragma once

#include <cstdint>
#include <time.h>

namespace kernel {

inline std::int64_t nanoseconds_of(clockid_t clock) noexcept {
    timespec time{};
    clock_gettime(clock, &time);
    return time.tv_sec * std::int64_t{1'000'000'000} + time.tv_nsec;
}

inline std::int64_t now() noexcept { return nanoseconds_of(CLOCK_MONOTONIC); }
/// CPU time, of this thread and of all threads.
inline std::int64_t thread_cpu() noexcept { return nanoseconds_of(CLOCK_THREAD_CPUTIME_ID); }
inline std::int64_t process_cpu() noexcept { return nanoseconds_of(CLOCK_PROCESS_CPUTIME_ID); }

} // namespace kernel
