#include "sys_kernel.hpp"

#include <atomic>
#if __has_include(<linux/io_uring.h>)
#include <linux/io_uring.h>
#endif
#include <pollux/instruments/call_hook.hpp>
#include <utility>

namespace pollux {
namespace {

constinit std::atomic<std::int64_t> fake_now{0}; // nanoseconds; 0: the clock is the kernel's

// A wait under the fake clock looks without sleeping; when nothing is ready the timeout has passed.
template <class Wait> int wait_on_fake_clock(std::int64_t timeout, Wait look) noexcept {
    const int found = look();
    if (found == 0) fake_now.fetch_add(timeout);
    return found;
}
bool is_faked(std::int64_t timeout) noexcept { return timeout > 0 && fake_now.load() != 0; }
template <class Time> std::int64_t nanoseconds(const Time* timeout) noexcept {
    return timeout == nullptr ? -1 : timeout->tv_sec * 1'000'000'000 + timeout->tv_nsec;
}
constexpr timespec at_once{};

constinit Kernel real;
constinit thread_local Kernel* in_place = nullptr; // of the real one

} // namespace

Kernel& kernel() noexcept { return in_place != nullptr ? *in_place : real; }

Kernel& real_kernel() noexcept { return real; }

Kernel* replace_kernel(Kernel* by) noexcept { return std::exchange(in_place, by); }

#define POLLUX_CALL(result, name, parameters, arguments)                                           \
    result Kernel::name parameters noexcept { return ::name arguments; }
#define POLLUX_TIMED_CALL(result, name, parameters, arguments)
#include "sys_calls.inc"
#undef POLLUX_CALL
#undef POLLUX_TIMED_CALL

int Kernel::epoll_wait(int epoll, epoll_event* events, int capacity, int milliseconds) noexcept {
    const std::int64_t timeout = milliseconds * std::int64_t{1'000'000};
    if (!is_faked(timeout)) return ::epoll_wait(epoll, events, capacity, milliseconds);
    return wait_on_fake_clock(timeout, [&] { return ::epoll_wait(epoll, events, capacity, 0); });
}

int Kernel::epoll_pwait2(int epoll, epoll_event* events, int capacity, const timespec* timeout,
                         const sigset_t* mask) noexcept {
    if (!is_faked(nanoseconds(timeout)))
        return ::epoll_pwait2(epoll, events, capacity, timeout, mask);
    // A look needs no nanoseconds, and every kernel, and valgrind, knows this call.
    return wait_on_fake_clock(nanoseconds(timeout),
                              [&] { return ::epoll_pwait(epoll, events, capacity, 0, mask); });
}

int Kernel::ppoll(pollfd* fds, nfds_t count, const timespec* timeout,
                  const sigset_t* mask) noexcept {
    if (!is_faked(nanoseconds(timeout))) return ::ppoll(fds, count, timeout, mask);
    return wait_on_fake_clock(nanoseconds(timeout),
                              [&] { return ::ppoll(fds, count, &at_once, mask); });
}

int Kernel::pselect(int count, fd_set* readable, fd_set* writable, fd_set* urgent,
                    const timespec* timeout, const sigset_t* mask) noexcept {
    if (!is_faked(nanoseconds(timeout)))
        return ::pselect(count, readable, writable, urgent, timeout, mask);
    return wait_on_fake_clock(nanoseconds(timeout), [&] {
        return ::pselect(count, readable, writable, urgent, &at_once, mask);
    });
}

int Kernel::io_uring_enter(int ring, unsigned submitted, unsigned least, unsigned flags,
                           const io_uring_getevents_arg* limit, std::size_t size) noexcept {
#ifdef IORING_ENTER_EXT_ARG
    const auto* const timeout = reinterpret_cast<const __kernel_timespec*>(limit->ts);
    if (least > 0 && is_faked(nanoseconds(timeout))) {
        // The result tells what was handed over, not what was found: that is asked separately.
        io_uring_getevents_arg look = *limit;
        constexpr __kernel_timespec no_time{};
        look.ts = reinterpret_cast<std::uintptr_t>(&no_time);
        const int result = ::io_uring_enter(ring, submitted, 0, flags, &look, size);
        if (result == static_cast<int>(submitted))
            wait_on_fake_clock(nanoseconds(timeout), [&] {
                return ::io_uring_enter(ring, 0, 1, flags, &look, size) == 0 ? 1 : 0;
            });
        return result;
    }
#endif
    return ::io_uring_enter(ring, submitted, least, flags, limit, size);
}

int Kernel::clock_gettime(clockid_t clock, timespec* now) noexcept {
    const std::int64_t faked = clock == CLOCK_MONOTONIC ? fake_now.load() : 0;
    if (faked == 0) return ::clock_gettime(clock, now);
    *now = {.tv_sec = faked / 1'000'000'000, .tv_nsec = faked % 1'000'000'000};
    return 0;
}

void Kernel::pass(std::chrono::nanoseconds delay) noexcept {
    if (fake_now.load() != 0) {
        fake_now.fetch_add(delay.count());
        return;
    }
    const timespec time{.tv_sec = delay.count() / 1'000'000'000,
                        .tv_nsec = delay.count() % 1'000'000'000};
    ::clock_nanosleep(CLOCK_MONOTONIC, 0, &time, nullptr);
}

FakeClock::FakeClock() {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    fake_now.store(nanoseconds(&now));
}

FakeClock::~FakeClock() { fake_now.store(0); }

void FakeClock::advance(std::chrono::nanoseconds by) { fake_now.fetch_add(by.count()); }

} // namespace pollux
