// T of the catalogue: how long a loop waits for its timers, and how often it asks the clock. On the
// fake clock, but for T12.

#include "support/contract.hpp"
#include "support/wake_up_budget.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <pollux/event_loop.hpp>
#include <pollux/net/socket.hpp>
#include <span>
#include <vector>

using namespace pollux;
using namespace pollux_test;
using namespace std::chrono_literals;

namespace {

std::vector<Backend> backends() {
    std::vector<Backend> all{Backend::select, Backend::poll, Backend::epoll, Backend::adaptive,
                             Backend::io_uring};
    std::erase_if(all, [](Backend one) { return !is_there(one); });
    return all;
}

} // namespace

TEST_CASE("T7 0.9 ms are one wait, on every backend") {
    const FakeClock clock;
    for (const Backend backend : backends()) {
        EventLoop loop{backend};
        const Clock::time_point start = Clock::now();
        const WakeUpBudget budget{loop, 1};
        run_for(loop, 900us);
        CHECK_EQ(Clock::now() - start, 900us);
    }
}

TEST_CASE("T7 P7 without epoll_pwait2 milliseconds are rounded up: late, never early, no spin") {
    const FakeClock clock;
    EventLoop loop{Backend::epoll};
    const Clock::time_point start = Clock::now();
    int nanosecond_waits = 0;
    const WakeUpBudget budget{loop, 4, [&](const CallPoint& call) {
                                  if (call.name != "epoll_pwait2") return CallOutcome{};
                                  ++nanosecond_waits;
                                  return CallOutcome{.error = ENOSYS};
                              }};
    run_for(loop, 900us);
    CHECK_EQ(Clock::now() - start, 1ms);
    run_for(loop, 900us);
    CHECK_EQ(Clock::now() - start, 2ms);
    CHECK_EQ(nanosecond_waits, 1); // it does not ask again
}

TEST_CASE("T8 bug-B8 bug-B9 long timers sleep: no spin, not early, not late") {
    for (const Backend backend : backends())
        for (const Clock::duration delay :
             {Clock::duration{35min + 47s}, Clock::duration{36min}, Clock::duration{24h * 25},
              Clock::duration{std::chrono::milliseconds{2147483647}},
              Clock::duration{std::chrono::milliseconds{2147483648}},
              Clock::duration{std::chrono::milliseconds{4294967296}},
              Clock::duration{24h * 3650}}) {
            const FakeClock clock;
            EventLoop loop{backend};
            const Clock::time_point start = Clock::now();
            const WakeUpBudget budget{loop, 1};
            run_for(loop, delay);
            CHECK_EQ(Clock::now() - start, delay);
        }
}

TEST_CASE("T8 without epoll_pwait2 a wait ends after 24 days, as many as an int has, and goes on") {
    const FakeClock clock;
    EventLoop loop{Backend::epoll};
    const Clock::time_point start = Clock::now();
    constexpr std::chrono::milliseconds delay{4294967296};
    const WakeUpBudget budget{loop, 4, [](const CallPoint& call) {
                                  return CallOutcome{.error =
                                                         call.name == "epoll_pwait2" ? ENOSYS : 0};
                              }};
    run_for(loop, delay);
    CHECK_EQ(Clock::now() - start, delay);
}

TEST_CASE("T8 what is due at the end of time never runs, and does not keep the loop awake") {
    for (const Backend backend : backends()) {
        const FakeClock clock;
        EventLoop loop{backend};
        int ran = 0;
        const Timer longest = loop.run_after(Clock::duration::max(), [&] { ++ran; });
        const Timer last = loop.run_at(Clock::time_point::max(), [&] { ++ran; });
        const Timer rare = loop.run_every(Clock::duration::max(), [&] { ++ran; });
        CHECK(longest.armed());
        CHECK_GT(loop.time_to_wait(), Timeout{24h * 36500});
        const WakeUpBudget budget{loop, 1};
        run_for(loop, 24h * 365);
        CHECK_EQ(ran, 0);
    }
}

TEST_CASE("T8 the kernel takes the longest of waits") {
    for (const Backend backend : backends()) {
        EventLoop loop{backend};
        const Timer last = loop.run_at(Clock::time_point::max(), [] {});
        loop.wake(); // already there when the wait begins
        CHECK_EQ(loop.run_once(), 0);
    }
}

TEST_CASE("T9 bug-B10 a cancelled timer does not decide how long to wait") {
    const FakeClock clock;
    EventLoop loop;
    Timer early = loop.run_after(1ms, [] {});
    early.cancel();
    {
        const Timer gone = loop.run_after(2ms, [] {});
    }
    const WakeUpBudget budget{loop, 1};
    run_for(loop, 10s);
}

TEST_CASE("T9 nor does one that was put off") {
    const FakeClock clock;
    EventLoop loop;
    int ran = 0;
    Timer timer = loop.run_after(1ms, [&] { ++ran; });
    turns(loop, 1);
    CHECK_EQ(loop.time_to_wait(), 1ms); // so it has looked
    for (int i = 0; i < 100; ++i) timer.run_after(1h);
    const WakeUpBudget budget{loop, 1};
    run_for(loop, 10s);
    CHECK_EQ(ran, 0);
}

TEST_CASE(
    "T9 armed long after the clock was read last: never early, and hardly a wait for nothing") {
    FakeClock clock;
    EventLoop loop;
    turns(loop, 1);
    clock.advance(1000h);
    const Clock::time_point due = Clock::now() + 1h;
    std::vector<Timer> timers;
    int ran = 0;
    for (int i = 0; i < 100; ++i)
        timers.push_back(loop.run_at(due, [&] {
            CHECK_EQ(Clock::now(), due);
            ++ran;
        }));
    const WakeUpBudget budget{loop, 8};
    run_for(loop, 2h);
    CHECK_EQ(ran, 100);
}

TEST_CASE("T11 the clock is CLOCK_MONOTONIC: the time of day is not read") {
    EventLoop loop;
    int monotonic = 0;
    int others = 0;
    const CallHook hook{[&](const CallPoint& call) {
        if (call.name == "clock_gettime") ++(call.fd == CLOCK_MONOTONIC ? monotonic : others);
        return CallOutcome{};
    }};
    run_for(loop, 1ms);
    CHECK_GT(monotonic, 0);
    CHECK_EQ(others, 0);
}

TEST_CASE("a turn before a timer is due reads the clock before its wait and after it, not more") {
    EventLoop loop;
    int reads = 0;
    const CallHook hook{[&](const CallPoint& call) {
        if (call.name == "clock_gettime") ++reads;
        return CallOutcome{};
    }};
    const auto reads_of_turn = [&](Timeout limit) {
        loop.run_once(Timeout::zero());
        loop.wake();
        loop.run_once(Timeout::zero());
        std::array<int, 2> found{}; // after a wake-up a turn goes a longer way than the next
        for (int& each : found) {
            reads = 0;
            loop.run_once(limit);
            each = reads;
        }
        CHECK_EQ(found[0], found[1]);
        return found[1];
    };
    CHECK_EQ(reads_of_turn(Timeout::zero()), 0);
    auto [ours, theirs] = Socket::pair();
    theirs.write(std::as_bytes(std::span{"x", 1}));
    const Watch watch =
        loop.watch(ours.fd(), Interest::read, Trigger::level, [&](Readiness) { loop.now(); });
    Timer far = loop.run_after(1h, [] {});
    Timer farther = loop.run_after(24h, [] {});
    CHECK_EQ(reads_of_turn(forever), 2);
    CHECK_EQ(reads_of_turn(Timeout::zero()), 1);
    far.cancel();
    farther = {};
    CHECK_EQ(reads_of_turn(forever), 1); // by the callback
}

TEST_CASE("run_at reads no clock, be it the first timer, one of many or armed anew") {
    const FakeClock clock;
    EventLoop loop;
    const Clock::time_point due = Clock::now() + 1h;
    const auto before = calls_made("clock_gettime");
    for (int i = 0; i < 2; ++i) {
        Timer first = loop.run_at(due, [] {});
        const Timer second = loop.run_at(due, [] {});
        first.cancel();
        first.run_at(due);
        first.run_at(due + 1h);
    }
    CHECK_EQ(calls_made("clock_gettime") - before, 0);
}

TEST_CASE("T12 P7 a thousand real timers: none is early, all in order") {
    for (const Backend backend : backends()) {
        EventLoop loop{backend};
        std::vector<Timer> timers;
        std::vector<Clock::time_point> ran;
        int early = 0;
        const Clock::time_point start = Clock::now();
        for (int i = 0; i < 1'000; ++i) {
            const Clock::time_point due = start + (i * 7919 % 1'000) * 20us;
            timers.push_back(loop.run_at(due, [&, due] {
                early += Clock::now() < due ? 1 : 0;
                ran.push_back(due);
                if (ran.size() == 1'000) loop.stop();
            }));
        }
        loop.run();
        CHECK_EQ(early, 0);
        CHECK(std::is_sorted(ran.begin(), ran.end()));
    }
}

TEST_CASE("T16 P8 a wait that a signal interrupts: the deadline stands") {
    for (const Backend backend : backends()) {
        const FakeClock clock;
        EventLoop loop{backend};
        const Clock::time_point start = Clock::now();
        const WakeUpBudget budget{loop, 4, [](const CallPoint& call) {
                                      return is_wait(call.name) && call.nth <= 3
                                                 ? CallOutcome{.error = EINTR}
                                                 : CallOutcome{};
                                  }};
        run_for(loop, 10s);
        CHECK_EQ(Clock::now() - start, 10s);
        CHECK_EQ(budget.used(), backend == Backend::io_uring ? 5 : 4); // with the end of the run
    }
}
