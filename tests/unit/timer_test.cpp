// T of the catalogue: which timers run, in which order, and how they end. On the fake clock.

#include "support/wake_up_budget.hpp"

#include <doctest/doctest.h>

#include <array>
#include <memory>
#include <optional>
#include <pollux/event_loop.hpp>
#include <pollux/net/socket.hpp>
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

TEST_CASE("P15 a timer that throws in every turn, and is due at once, keeps nobody else out") {
    const FakeClock clock;
    EventLoop loop;
    std::string order;
    Timer thrower;
    thrower = loop.run_after(0ns, [&] {
        order += 't';
        thrower.run_at(loop.now());
        throw std::runtime_error{"again"};
    });
    CHECK_THROWS_WITH(loop.run_once(), "again");
    auto [ours, theirs] = Socket::pair();
    const Watch watch =
        loop.watch(ours.fd(), Interest::write, Trigger::level, [&](Readiness) { order += 'w'; });
    for (int turn = 0; turn < 4; ++turn) CHECK_THROWS_WITH(loop.run_once(), "again");
    CHECK_EQ(order, "ttwtwtwt");
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
