#include <pollux/clock.hpp>

#include "sys.hpp"

namespace pollux {

Clock::time_point Clock::now() noexcept {
    timespec now{};
    sys::clock_gettime(CLOCK_MONOTONIC, &now);
    return time_point{std::chrono::seconds{now.tv_sec} + std::chrono::nanoseconds{now.tv_nsec}};
}

} // namespace pollux
