#pragma once

#include "load/clock.hpp"

namespace kernel {

using load::nanoseconds_of;
using load::now;

/// CPU time, of this thread and of all threads.
inline std::int64_t thread_cpu() noexcept { return nanoseconds_of(CLOCK_THREAD_CPUTIME_ID); }
inline std::int64_t process_cpu() noexcept { return nanoseconds_of(CLOCK_PROCESS_CPUTIME_ID); }

} // namespace kernel
