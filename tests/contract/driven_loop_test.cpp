// A loop driven by another one: `descriptor`, `time_to_wait` and `run_once(Timeout::zero())`.

#include "support/contract.hpp"
#include "support/sockets.hpp"
#include "support/wake_up_budget.hpp"

#include <poll.h>
#include <pollux/event_loop.hpp>
#include <thread>

using namespace pollux;
using namespace pollux_test;
using namespace std::chrono_literals;

CONTRACT_CASE("select and poll have no descriptor to wait for, epoll has", everywhere) {
    const EventLoop loop{mode.backend};
    CHECK_EQ(loop.descriptor() >= 0, on_epoll(mode));
}

CONTRACT_CASE("an inner loop is driven by an outer one of any kind", on_epoll) {
    for (const Backend outer_kind : {Backend::select, Backend::poll, Backend::epoll}) {
        const FakeClock clock;
        EventLoop inner{mode.backend};
        EventLoop outer{outer_kind};
        const Ends ends = unix_pair();
        int read = 0;
        int timed = 0;
        int tasks = 0;
        Watch watch = inner.watch(ends.ours.get(), Interest::read, mode.trigger, [&](Readiness) {
            take(ends.ours);
            ++read;
            watch.rearm();
        });

        // What whoever drives a loop writes.
        Timer alarm = outer.run_after(Clock::duration::max(), [] {});
        const auto drive = [&] {
            inner.run_once(Timeout::zero());
            alarm.run_after(inner.time_to_wait());
        };
        alarm = outer.run_after(Clock::duration::max(), [&] { drive(); });
        const Watch driver = outer.watch(inner.descriptor(), Interest::read, Trigger::level,
                                         [&](Readiness) { drive(); });
        drive();

        const WakeUpBudget budget{outer, 30};
        put(ends.theirs, "x");
        outer.run_once();
        CHECK_EQ(read, 1);

        const Timer timer = inner.run_after(1h, [&] { ++timed; });
        drive(); // told of a timer that was armed from outside
        run_for(outer, 2h);
        CHECK_EQ(timed, 1);

        inner.post([&] { ++tasks; });
        run_for(outer, 1h);
        CHECK_EQ(tasks, 1);

        put(ends.theirs, "y");
        run_for(outer, 1h);
        CHECK_EQ(read, 2);
    }
}

// Within its turns a loop that was woken looks by itself whether somebody asks again; between them
// its driver waits for the kernel's word.
CONTRACT_CASE("a driver is told of who wakes, in the last moments of a turn and after it",
              on_epoll) {
    EventLoop loop{mode.backend};
    const auto others_wake = [&] { std::thread{[&] { loop.wake(); }}.join(); };
    const auto driver_is_told = [&] {
        pollfd driver{.fd = loop.descriptor(), .events = POLLIN, .revents = 0};
        return ::poll(&driver, 1, 0) == 1;
    };
    loop.wake();
    loop.post([&] { others_wake(); });
    loop.run_once();
    CHECK(driver_is_told());
    loop.run_once(Timeout::zero());
    CHECK_FALSE(driver_is_told());
    others_wake();
    CHECK(driver_is_told());
}

CONTRACT_CASE("time_to_wait: zero with work at hand, else until the next timer, else for ever",
              everywhere) {
    const FakeClock clock;
    EventLoop loop{mode.backend};
    const Ends ends = unix_pair();
    CHECK_EQ(loop.time_to_wait(), forever);
    Timer timer = loop.run_after(3s, [] {});
    CHECK_EQ(loop.time_to_wait(), Timeout{3s});
    loop.post([] {});
    CHECK_EQ(loop.time_to_wait(), Timeout::zero());
    turns(loop, 2);
    CHECK_EQ(loop.time_to_wait(), Timeout{3s});
    Watch watch = loop.watch(ends.ours.get(), Interest::read, mode.trigger, [](Readiness) {});
    watch.again();
    CHECK_EQ(loop.time_to_wait(), Timeout::zero());
    turns(loop, 1);
    timer.run_after(-1s);
    CHECK_EQ(loop.time_to_wait(), Timeout::zero());
    timer.cancel();
    CHECK_EQ(loop.time_to_wait(), forever);
}

CONTRACT_CASE("L34 L35 run_once waits for at most what it is told", everywhere) {
    const FakeClock clock;
    EventLoop loop{mode.backend};
    const Clock::time_point start = Clock::now();
    CHECK_EQ(loop.run_once(50ms), 0);
    CHECK_EQ(Clock::now() - start, 50ms);
    CHECK_EQ(loop.run_once(Timeout::zero()), 0);
    CHECK_EQ(loop.run_once(-5s), 0);
    CHECK_EQ(Clock::now() - start, 50ms);
    int ran = 0;
    const Timer timer = loop.run_after(1s, [&] { ++ran; });
    CHECK_EQ(loop.run_once(10s), 1);
    CHECK_EQ(Clock::now() - start, 50ms + 1s);
}

CONTRACT_CASE("two loops in one thread, each driven in a callback of the other", everywhere) {
    EventLoop first{mode.backend};
    EventLoop second{mode.backend};
    int calls = 0;
    first.post([&] {
        ++calls;
        second.post([&] {
            ++calls;
            CHECK_THROWS_AS(first.run_once(Timeout::zero()), std::logic_error);
            first.post([&] { ++calls; });
        });
        second.run_once();
    });
    first.run_once();
    CHECK_EQ(calls, 2);
    first.run_once();
    CHECK_EQ(calls, 3);
}
