// How long a wait takes (L34, L35 of the catalogue, P7), and what a signal does to it (W10, T16).
//
// Under a FakeClock a wait that finds nothing ready passes exactly the timeout it gave to the
// kernel, so rounding shows in the time passed. On the real clock only "never early" is checked.

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <climits>
#include <csignal>
#include <initializer_list>
#include <pollux/error.hpp>
#include <pollux/instruments/call_hook.hpp>
#include <pthread.h>
#include <string>

#include "support/contract.hpp"
#include "support/observing.hpp"
#include "support/sockets.hpp"
#include "support/wake_up_budget.hpp"

using namespace pollux;
using namespace pollux_test;
using namespace std::chrono_literals;

namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;

constexpr milliseconds most_milliseconds{INT_MAX};

// Timeouts that have broken somebody: those that overflow 32 bits of micro- or milliseconds, and
// those that lie next to such a boundary.
constexpr std::array<nanoseconds, 9> long_timeouts{
    36min,
    most_milliseconds - 1ms,
    most_milliseconds,
    most_milliseconds + 1ms,
    milliseconds{1LL << 32},
    milliseconds{(1LL << 32) + 1},
    5'000'000'000ms,
    nanoseconds{1LL << 52},
    std::chrono::hours{24 * 365 * 100},
};

// One wait on nothing that is ready; how long it took on the library's clock.
nanoseconds passed_in_wait(Reactor& reactor, Timeout timeout) {
    const nanoseconds before = library_now();
    CHECK_EQ(described(reactor.wait(timeout)), "");
    return library_now() - before;
}

/// While it lives, SIGUSR1 runs a handler that does nothing.
class IdleHandler {
public:
    explicit IdleHandler(int flags) {
        struct sigaction action {};
        action.sa_handler = [](int) {};
        action.sa_flags = flags;
        check(::sigaction(SIGUSR1, &action, &before_), "sigaction");
    }
    ~IdleHandler() { ::sigaction(SIGUSR1, &before_, nullptr); }
    IdleHandler(const IdleHandler&) = delete;
    IdleHandler& operator=(const IdleHandler&) = delete;

private:
    struct sigaction before_ {};
};

} // namespace

CONTRACT_CASE("L34 nothing watched: a wait takes its timeout in one call", on_level) {
    const FakeClock clock;
    const auto reactor = mode.reactor();
    CHECK_EQ(passed_in_wait(*reactor, 50ms), 50ms);
}

CONTRACT_CASE("L34 timeouts reach the kernel in nanoseconds", on_level) {
    const FakeClock clock;
    const Ends ends = unix_pair();
    const auto reactor = mode.reactor();
    reactor->add(ends.ours.get(), Token{1}, Interest::read, mode.trigger);
    for (const Timeout timeout : std::initializer_list<Timeout>{1ns, 999ns, 1us + 1ns, 900us,
                                                                1ms + 1ns, 1s - 1ns, 1s, 1s + 1ns})
        CHECK_EQ(passed_in_wait(*reactor, timeout), timeout);
}

CONTRACT_CASE("L34 a wait is never early", on_level) {
    const Ends ends = unix_pair();
    const auto reactor = mode.reactor();
    reactor->add(ends.ours.get(), Token{1}, Interest::read, mode.trigger);
    for (const Timeout timeout :
         std::initializer_list<Timeout>{1ns, 300us, 900us, 1ms, 1500us, 7ms + 1ns, 20ms})
        CHECK_GE(passed_in_wait(*reactor, timeout), timeout);
}

CONTRACT_CASE("bug-B11 a timeout ends its wait in one call, however small it is", on_level) {
    const auto reactor = mode.reactor();
    const Ends quiet = unix_pair();
    reactor->add(quiet.ours.get(), Token{1}, Interest::read, mode.trigger);
    for (nanoseconds timeout = 10ms;; timeout /= 10) {
        const std::uint64_t before = calls_made("wait");
        CHECK_EQ(described(reactor->wait(timeout)), "");
        CHECK_EQ(calls_made("wait"), before + 1);
        if (timeout == 0ns) break;
    }
}

CONTRACT_CASE("L35 zero and less look and return", on_level) {
    const FakeClock clock;
    const Ends ends = unix_pair();
    const auto reactor = mode.reactor();
    reactor->add(ends.ours.get(), Token{1}, Interest::read, mode.trigger);
    for (const Timeout timeout : {Timeout::zero(), Timeout{-1}, Timeout{-1s}, Timeout::min()}) {
        const CallRecord calls;
        CHECK_EQ(passed_in_wait(*reactor, timeout), 0ns);
        CHECK_EQ(calls.made(), "clock_gettime*2 " + std::string{wait_call(mode.backend)} + "*1");
    }
    put(ends.theirs, "x");
    CHECK_EQ(described(reactor->wait(Timeout::min())), "1:readable");
}

// Under the fake clock a wait with any limit, however far, would return at once.
CONTRACT_CASE("L35 forever is until something is ready", everywhere) {
    const FakeClock clock;
    const Ends ends = unix_pair();
    const auto reactor = mode.reactor();
    reactor->add(ends.ours.get(), Token{1}, Interest::read, mode.trigger);
    const OnceAsleep writer{[&] { put(ends.theirs, "x"); }};
    CHECK_EQ(described(reactor->wait(forever)), "1:readable");
}

CONTRACT_CASE("L35 what is ready ends a long wait at once", on_level) {
    const FakeClock clock;
    const Ends ends = unix_pair();
    put(ends.theirs, "x");
    const auto reactor = mode.reactor();
    reactor->add(ends.ours.get(), Token{1}, Interest::read, mode.trigger);
    const nanoseconds before = library_now();
    CHECK_EQ(described(reactor->wait(24h)), "1:readable");
    CHECK_EQ(library_now(), before);
}

CONTRACT_CASE("bug-B8, bug-B9 long timeouts are passed in one wait and nothing is cut off",
              on_level) {
    const FakeClock clock;
    const auto reactor = mode.reactor();
    for (const nanoseconds timeout : long_timeouts)
        CHECK_EQ(passed_in_wait(*reactor, timeout), timeout);
}

// On the kernel's own clock: it must accept such a time, not only sleep it.
CONTRACT_CASE("bug-B9 the kernel takes the longest timeouts", on_level) {
    const Ends ends = unix_pair();
    const auto reactor = mode.reactor();
    reactor->add(ends.ours.get(), Token{1}, Interest::read, mode.trigger);
    const OnceAsleep writer{[&] { put(ends.theirs, "x"); }};
    CHECK_EQ(described(reactor->wait(forever - 1ns)), "1:readable");
    for (const nanoseconds timeout : long_timeouts)
        CHECK_EQ(described(reactor->wait(timeout)), "1:readable");
}

CONTRACT_CASE("bug-B6 without epoll_pwait2 milliseconds are rounded up", on_epoll) {
    const FakeClock clock;
    const CallHook hook{failing("epoll_pwait2", ENOSYS)};
    const auto reactor = mode.reactor();
    CHECK_EQ(passed_in_wait(*reactor, 900us), 1ms);
    CHECK_EQ(passed_in_wait(*reactor, 1ns), 1ms);
    CHECK_EQ(passed_in_wait(*reactor, 1ms), 1ms);
    CHECK_EQ(passed_in_wait(*reactor, 1ms + 1ns), 2ms);
    CHECK_EQ(passed_in_wait(*reactor, 2ms - 1ns), 2ms);
    CHECK_EQ(passed_in_wait(*reactor, Timeout::zero()), 0ms);
    CHECK_EQ(passed_in_wait(*reactor, Timeout::min()), 0ms);
}

CONTRACT_CASE("bug-B9 without epoll_pwait2 long timeouts are clamped, not cut off", on_epoll) {
    const FakeClock clock;
    const CallHook hook{failing("epoll_pwait2", ENOSYS)};
    const auto reactor = mode.reactor();
    for (const nanoseconds timeout : long_timeouts)
        CHECK_EQ(passed_in_wait(*reactor, timeout),
                 std::min<nanoseconds>(timeout, most_milliseconds));
    CHECK_EQ(passed_in_wait(*reactor, forever - 1ns), most_milliseconds);
}

// EPERM is what the system call filters of older container runtimes answer to calls they do not
// know.
CONTRACT_CASE("P7 a kernel without epoll_pwait2 is asked for it once", on_epoll) {
    const FakeClock clock;
    for (const int refusal : {ENOSYS, EPERM}) {
        const CallHook hook{failing("epoll_pwait2", refusal)};
        const auto reactor = mode.reactor();
        const CallRecord calls;
        for (int round = 0; round < 3; ++round) CHECK_EQ(described(reactor->wait(5ms)), "");
        CHECK_EQ(calls.made(), "epoll_pwait2*1 epoll_wait*3");
    }
}

CONTRACT_CASE("W10, T16 a wait that a signal interrupts returns an empty batch", on_level) {
    const Ends ends = unix_pair();
    const auto reactor = mode.reactor();
    reactor->add(ends.ours.get(), Token{1}, Interest::read, mode.trigger);
    const pthread_t waiter = ::pthread_self();
    for (const int flags : {0, SA_RESTART}) // these calls are never restarted: signal(7)
        for (const Timeout timeout : {Timeout{1h}, forever}) {
            const IdleHandler handler{flags};
            const OnceAsleep sender{[waiter] { ::pthread_kill(waiter, SIGUSR1); }};
            CHECK_EQ(described(reactor->wait(timeout)), "");
        }
    put(ends.theirs, "x");
    CHECK_EQ(look(*reactor), "1:readable"); // nothing was disturbed
}

// Also where something is ready, edge or one-shot: an interrupted wait must not swallow it.
CONTRACT_CASE("W10, T16 an interrupted wait loses no event", everywhere) {
    const Ends ends = unix_pair();
    put(ends.theirs, "x");
    const auto reactor = mode.reactor();
    reactor->add(ends.ours.get(), Token{1}, Interest::read, mode.trigger);
    for (const Timeout timeout : {Timeout::zero(), Timeout{1h}, forever}) {
        const CallHook hook{[](const CallPoint&) {
            CallOutcome outcome;
            outcome.error = EINTR;
            return outcome;
        }};
        CHECK_EQ(described(reactor->wait(timeout)), "");
    }
    CHECK_EQ(look(*reactor), "1:readable");
}

CONTRACT_CASE("P8 what else a kernel refuses about a wait is an error that names the call",
              everywhere) {
    const Ends ends = unix_pair();
    put(ends.theirs, "x");
    const auto reactor = mode.reactor();
    reactor->add(ends.ours.get(), Token{1}, Interest::read, mode.trigger);
    {
        const CallHook hook{failing(wait_call(mode.backend), ENOMEM)};
        try {
            reactor->wait(Timeout::zero());
            FAIL("the wait returned");
        } catch (const std::system_error& error) {
            CHECK_EQ(error.code().value(), ENOMEM);
            CHECK_NE(std::string{error.what()}.find(on_epoll(mode) ? "epoll" : reactor->name()),
                     std::string::npos);
        }
    }
    CHECK_EQ(look(*reactor), "1:readable");
}
