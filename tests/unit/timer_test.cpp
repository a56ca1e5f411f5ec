// T of the catalogue: timers and the clock. On the fake clock, but for T12.

#include "support/wake_up_budget.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <pollux/event_loop.hpp>
#include <pollux/net/socket.hpp>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

using namespace pollux;
using namespace pollux_test;
using namespace std::chrono_literals;

TEST_CASE("T1 timers run by due time, and those due together in the order of arming") {
    FakeClock clock;
    EventLoop loop;
    const Clock::time_point start = Clock::now();
    std::string order;
    const auto at = [&](Clock::duration delay, char name) {
        return loop.run_at(start + delay, [&order, name] { order += name; });
    };
    const std::array<Timer, 5> timers{at(3ms, 'd'), at(1ms, 'a'), at(2ms, 'b'), at(2ms, 'c'),
                                      at(3ms, 'e')};
    clock.advance(10ms);
    turns(loop, 1);
    CHECK_EQ(order, "abcde");
}

TEST_CASE("T1 arming again for the same time goes to the end of those due then") {
    FakeClock clock;
    EventLoop loop;
    const Clock::time_point due = Clock::now() + 1ms;
    std::string order;
    Timer first = loop.run_at(due, [&] { order += 'a'; });
    const Timer second = loop.run_at(due, [&] { order += 'b'; });
    first.run_at(due + 1ms); // put off, and back
    first.run_at(due);
    clock.advance(1ms);
    turns(loop, 1);
    CHECK_EQ(order, "ba");
}

TEST_CASE("T2 a timer of no delay armed by a timer runs in the next turn, not in this one") {
    const FakeClock clock;
    EventLoop loop;
    int ran = 0;
    std::optional<Timer> timer;
    timer = loop.run_after(0ns, [&] {
        ++ran;
        timer->run_after(0ns);
    });
    for (int turn = 1; turn <= 4; ++turn) {
        CHECK_EQ(turns(loop, 1), 1);
        CHECK_EQ(ran, turn);
    }
}

TEST_CASE("T3 a timer cancelled is not run: before, by itself, by another of the same round") {
    FakeClock clock;
    EventLoop loop;
    int ran = 0;
    Timer before = loop.run_after(1ms, [&] { ++ran; });
    Timer by_other;
    Timer destroyed_by_other;
    Timer own;
    own = loop.run_every(1ms, [&] {
        ran += 10;
        own.cancel();
        CHECK_FALSE(own.armed());
        by_other.cancel();
        destroyed_by_other = Timer{};
    });
    by_other = loop.run_after(1ms, [&] { ++ran; });
    destroyed_by_other = loop.run_after(1ms, [&] { ++ran; });
    before.cancel();
    CHECK_FALSE(before.armed());
    CHECK(by_other.armed());
    clock.advance(10ms);
    turns(loop, 2);
    CHECK_EQ(ran, 10);
    CHECK_FALSE(by_other.armed());
    CHECK_EQ(loop.time_to_wait(), forever);
    by_other.run_after(1ms); // it kept its task
    clock.advance(1ms);
    turns(loop, 1);
    CHECK_EQ(ran, 11);
}

TEST_CASE("T3 armed again by another of the same round: runs once, at its new time") {
    FakeClock clock;
    EventLoop loop;
    int ran = 0;
    Timer second;
    const Timer first = loop.run_after(1ms, [&] { second.run_after(5ms); });
    second = loop.run_after(1ms, [&] { ++ran; });
    clock.advance(1ms);
    turns(loop, 2);
    CHECK_EQ(ran, 0);
    CHECK(second.armed());
    clock.advance(5ms);
    turns(loop, 2);
    CHECK_EQ(ran, 1);
}

TEST_CASE("T3 a timer destroyed in its own task lives until that returns") {
    const FakeClock clock;
    EventLoop loop;
    auto kept = std::make_shared<std::string>("captured");
    const std::weak_ptr<std::string> seen{kept};
    std::optional<Timer> timer;
    for (const bool repeats : {false, true}) {
        if (kept == nullptr) kept = std::make_shared<std::string>("captured");
        const std::weak_ptr<std::string> held{kept};
        Task task = [&timer, kept = std::move(kept)] {
            timer.reset();
            CHECK_EQ(*kept, "captured");
        };
        timer =
            repeats ? loop.run_every(1ns, std::move(task)) : loop.run_after(0ns, std::move(task));
        CHECK_FALSE(held.expired());
        run_for(loop, 1ms);
        CHECK(held.expired());
        CHECK_FALSE(timer);
    }
}

TEST_CASE("T4 a repeating timer keeps to its grid, however late it is run") {
    FakeClock clock;
    EventLoop loop;
    const Clock::time_point start = Clock::now();
    std::vector<Clock::duration> at;
    const Timer timer = loop.run_every(10ms, [&] {
        at.push_back(Clock::now() - start);
        clock.advance(3ms); // the task takes its time
    });
    for (int i = 0; i < 4; ++i) loop.run_once();
    CHECK_EQ(at, std::vector<Clock::duration>{10ms, 20ms, 30ms, 40ms});
    at.clear();
    for (const Clock::duration when : {58ms, 60ms, 78ms, 80ms}) { // late, and in time again
        clock.advance(start + when - Clock::now());
        loop.run_once(Timeout::zero());
    }
    CHECK_EQ(at, std::vector<Clock::duration>{58ms, 60ms, 78ms, 80ms});
}

TEST_CASE("T10 after a jump a repeating timer runs once, and goes on on its grid") {
    FakeClock clock;
    EventLoop loop;
    const Clock::time_point start = Clock::now();
    int ran = 0;
    const Timer timer = loop.run_every(10ms, [&] { ++ran; });
    clock.advance(1h + 4ms);
    turns(loop, 3);
    CHECK_EQ(ran, 1);
    loop.run_once();
    CHECK_EQ(ran, 2);
    CHECK_EQ(Clock::now() - start, 1h + 10ms);
}

TEST_CASE("a repeating timer armed by hand goes on from there; cancelled it stays so") {
    const FakeClock clock;
    EventLoop loop;
    const Clock::time_point start = Clock::now();
    std::vector<Clock::duration> at;
    Timer timer = loop.run_every(10ms, [&] { at.push_back(Clock::now() - start); });
    timer.run_at(start + 3ms);
    loop.run_once();
    loop.run_once();
    CHECK_EQ(at, std::vector<Clock::duration>{3ms, 13ms});
    timer.cancel();
    CHECK_EQ(loop.time_to_wait(), forever);
    timer.run_at(start + 50ms);
    loop.run_once();
    loop.run_once();
    CHECK_EQ(at, std::vector<Clock::duration>{3ms, 13ms, 50ms, 60ms});
}

TEST_CASE("T5 a time in the past: once, in the next turn, in order") {
    const FakeClock clock;
    EventLoop loop;
    std::string order;
    const Timer boot = loop.run_at(Clock::time_point{}, [&] { order += 'b'; });
    const Timer ages = loop.run_at(Clock::time_point::min(), [&] { order += 'a'; });
    const Timer far = loop.run_after(Clock::duration::min(), [&] { order += 'A'; });
    const Timer just = loop.run_after(-1ns, [&] { order += 'c'; });
    CHECK_EQ(loop.time_to_wait(), Timeout::zero());
    const WakeUpBudget budget{loop, 2};
    loop.run_once();
    loop.run_once(Timeout::zero());
    CHECK((order == "aAbc" || order == "Aabc"));
}

TEST_CASE("T5 a repeating timer armed for the far past runs once, and goes on") {
    const FakeClock clock;
    EventLoop loop;
    int ran = 0;
    Timer timer = loop.run_every(10ms, [&] { ++ran; });
    timer.run_at(Clock::time_point::min());
    turns(loop, 3);
    CHECK_EQ(ran, 1);
    CHECK_GT(loop.time_to_wait(), Timeout::zero());
    CHECK_LE(loop.time_to_wait(), Timeout{10ms});
    loop.run_once();
    CHECK_EQ(ran, 2);
}

TEST_CASE("T6 the clock stands still: a timer of no delay runs all the same") {
    const FakeClock clock;
    EventLoop loop;
    int ran = 0;
    const Timer timer = loop.run_after(0ns, [&] { ++ran; });
    const WakeUpBudget budget{loop, 2};
    loop.run_once();
    loop.run_once(Timeout::zero());
    CHECK_EQ(ran, 1);
}

TEST_CASE("T7 0.9 ms are one wait, on every backend") {
    const FakeClock clock;
    for (const Backend backend : {Backend::select, Backend::poll, Backend::epoll}) {
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
    for (const Backend backend : {Backend::select, Backend::poll, Backend::epoll})
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
    for (const Backend backend : {Backend::select, Backend::poll, Backend::epoll}) {
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
    for (const Backend backend : {Backend::select, Backend::poll, Backend::epoll}) {
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

TEST_CASE("T12 P7 a thousand real timers: none is early, all in order") {
    for (const Backend backend : {Backend::select, Backend::poll, Backend::epoll}) {
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

TEST_CASE("T15 storms of timers and of posts let each other through") {
    FakeClock clock;
    EventLoop loop;
    std::vector<Timer> storm;
    int ran = 0;
    storm.reserve(1'000);
    for (int i = 0; i < 1'000; ++i) storm.push_back(loop.run_every(1ns, [&] { ++ran; }));
    int tasks = 0;
    for (int turn = 1; turn <= 5; ++turn) {
        clock.advance(1ns);
        loop.post([&] { ++tasks; });
        loop.run_once();
        CHECK_EQ(tasks, turn);
        CHECK_EQ(ran, 1'000 * turn);
    }
}

TEST_CASE("T16 P8 a wait that a signal interrupts: the deadline stands") {
    for (const Backend backend : {Backend::select, Backend::poll, Backend::epoll}) {
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
        CHECK_EQ(budget.used(), 4);
    }
}

TEST_CASE("P15 a task of a timer throws: the rest runs in the next turn, in order, once") {
    const FakeClock clock;
    EventLoop loop;
    std::string order;
    const Timer a = loop.run_after(1ms, [&] { order += 'a'; });
    const Timer b = loop.run_every(1ms, [&] {
        order += 'b';
        if (order.size() == 2) throw std::runtime_error{"second"};
    });
    const Timer c = loop.run_after(1ms, [&] { order += 'c'; });
    Timer d = loop.run_after(1ms, [&] { order += 'd'; });
    CHECK_THROWS_WITH(loop.run_once(), "second");
    CHECK_EQ(order, "ab");
    CHECK(b.armed());
    CHECK_EQ(loop.time_to_wait(), Timeout::zero());
    d.cancel(); // between the two
    loop.run_once();
    CHECK_EQ(order, "abc");
    loop.run_once();
    CHECK_EQ(order, "abcb");
}

TEST_CASE("P15 all timers are destroyed between a throw and the next turn") {
    const FakeClock clock;
    EventLoop loop;
    std::vector<Timer> timers;
    timers.reserve(3);
    for (int i = 0; i < 3; ++i)
        timers.push_back(loop.run_after(0ns, [] { throw std::runtime_error{"first"}; }));
    CHECK_THROWS(loop.run_once());
    timers.clear();
    CHECK_EQ(turns(loop, 2), 0);
    CHECK_EQ(loop.time_to_wait(), forever);
}

TEST_CASE("R23 a timer that was given no task") {
    Timer none;
    CHECK_FALSE(none);
    CHECK_FALSE(none.armed());
    CHECK_THROWS_AS(none.run_at(Clock::now()), std::logic_error);
    CHECK_THROWS_AS(none.run_after(1s), std::logic_error);
    none.cancel();
    const FakeClock clock;
    EventLoop loop;
    CHECK_THROWS_AS(static_cast<void>(loop.run_every(0ns, [] {})), std::invalid_argument);
    CHECK_THROWS_AS(static_cast<void>(loop.run_every(-1s, [] {})), std::invalid_argument);
    int ran = 0;
    Timer timer = loop.run_after(1ms, [&] { ++ran; });
    none = std::move(timer);
    CHECK_FALSE(timer); // NOLINT(bugprone-use-after-move): this is the test
    CHECK_THROWS_AS(timer.run_after(1s), std::logic_error);
    loop.run_once();
    CHECK_EQ(ran, 1);
    CHECK_FALSE(none.armed());
    CHECK(none);
}

TEST_CASE("a timer stays legal to touch when its loop is gone") {
    auto kept = std::make_shared<int>(1);
    const std::weak_ptr<int> seen{kept};
    Timer timer;
    {
        EventLoop loop;
        timer = loop.run_after(1h, [kept = std::move(kept)] {});
    }
    CHECK(seen.expired());
    CHECK_FALSE(timer.armed());
    timer.run_after(1s);
    CHECK_FALSE(timer.armed());
    timer.cancel();
    const Timer moved = std::move(timer);
}

TEST_CASE("what a task holds is destroyed with the timer, and may itself destroy timers") {
    struct Chain {
        Timer timer;
        std::shared_ptr<Chain> next;
    };
    for (const bool with_loop : {false, true}) {
        std::optional<EventLoop> loop;
        loop.emplace();
        auto first = std::make_shared<Chain>();
        auto second = std::make_shared<Chain>();
        std::optional<Timer> timer{loop->run_after(1h, [first, second] {})};
        first->timer = loop->run_after(1h, [second] {});
        second->timer = loop->run_after(1h, [] {});
        first.reset();
        second.reset();
        if (with_loop) loop.reset();
        timer.reset();
    }
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
