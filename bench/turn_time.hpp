#pragma once

// How long a contestant takes for its turns.

#include <algorithm>
#include <cstdint>
#include <ctime>

#include "contestants.hpp"

namespace contest {

/// CPU time of this thread: what else runs on the machine is left out as far as can be.
inline std::int64_t cpu_now() {
    timespec time{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return time.tv_sec * std::int64_t{1'000'000'000} + time.tv_nsec;
}

/// In nanoseconds.
inline std::int64_t time_of(Contestant& contestant, std::uint64_t turns) {
    const std::int64_t before = cpu_now();
    contestant.run(turns);
    return cpu_now() - before;
}

/// So many turns that the contestant is busy for the time asked for.
inline std::uint64_t turns_for(Contestant& contestant, std::int64_t nanoseconds) {
    std::uint64_t turns = 1;
    while (time_of(contestant, turns) < nanoseconds / 4) turns *= 2;
    const std::int64_t taken = std::max<std::int64_t>(1, time_of(contestant, turns));
    return std::max<std::uint64_t>(1, turns * static_cast<std::uint64_t>(nanoseconds) /
                                          static_cast<std::uint64_t>(taken));
}

} // namespace contest
