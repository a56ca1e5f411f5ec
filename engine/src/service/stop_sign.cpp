#include "service/stop_sign.hpp"

#include <cerrno>
#include <cstdint>
#include <pollux/error.hpp>

#include "sys.hpp"

namespace pollux {

StopSign::StopSign(Clock::duration patience)
    : fd_{check(sys::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd")}, patience_{patience} {}

void StopSign::request() noexcept {
    const int saved = errno; // of what a signal handler interrupts
    requested_.store(true);
    const std::uint64_t one = 1;
    sys::write(fd_.get(), &one, sizeof one);
    errno = saved;
}

// Not by reading, which would take it from the others.
bool StopSign::notice() noexcept {
    pollfd entry{fd_.get(), POLLIN, 0};
    const timespec now{};
    if (!requested() && sys::ppoll(&entry, 1, &now, nullptr) == 1) requested_.store(true);
    return requested();
}

// The first who asks starts the time.
Clock::time_point StopSign::due() noexcept {
    Clock::rep known = due_.load();
    if (known == 0) {
        const Clock::rep mine = later(Clock::now(), patience_).time_since_epoch().count();
        if (due_.compare_exchange_strong(known, mine)) known = mine;
    }
    return Clock::time_point{Clock::duration{known}};
}

} // namespace pollux
