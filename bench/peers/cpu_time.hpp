#pragma once

#include <cstdint>

#include "load/clock.hpp"

namespace peers {

/// Nanoseconds of the clock that the work took: by default CPU time of this thread, so that what
/// else runs on the machine is left out as far as can be.
template <class Work> std::uint64_t time_of(Work work, clockid_t clock = CLOCK_THREAD_CPUTIME_ID) {
    const std::int64_t before = load::nanoseconds_of(clock);
    work();
    return static_cast<std::uint64_t>(load::nanoseconds_of(clock) - before);
}

} // namespace peers
