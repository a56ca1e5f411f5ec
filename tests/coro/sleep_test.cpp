// Time: sleeping, deadlines, and the loop's next turn.

#include "support/streams.hpp"

#include <doctest/doctest.h>

#include <pollux/coro/scope.hpp>
#include <pollux/coro/sleep.hpp>
#include <pollux/coro/stoppable.hpp>
#include <pollux/coro/within.hpp>
#include <pollux/instruments/call_hook.hpp>
#include <string>
#include <system_error>
#include <vector>

using namespace pollux;
using namespace pollux_test;
using namespace std::chrono_literals;
using coro::Scope;

namespace {

coro::Task<int> value_after(Clock::duration time, int value) {
    co_await coro::sleep(time);
    co_return value;
}

// "value", "ETIMEDOUT", "cancelled": how an await ended.
template <class Make> coro::Task<std::string> outcome(Make make) {
    try {
        co_await make();
        co_return "value";
    } catch (const std::system_error& error) {
        co_return error.code() == std::errc::timed_out ? "ETIMEDOUT" : "error";
    } catch (const coro::Cancelled&) {
        co_return "cancelled";
    }
}

// On a fake clock: a turn takes as long as the next timer is away.
void run_to_end(const Scope& scope) {
    for (int turns = 0; scope.size() > 0; ++turns) {
        REQUIRE_MESSAGE(turns < 1000, "what was awaited never came");
        scope.loop().run_once();
    }
}

} // namespace

TEST_CASE("sleep ends at its time, never early, in the order of the times") {
    const FakeClock clock;
    EventLoop loop;
    Scope scope{loop};
    const Clock::time_point start = Clock::now();
    std::vector<Clock::duration> seen;
    const auto sleeper = [&](Clock::duration time) -> coro::Task<> {
        co_await coro::sleep(time);
        seen.push_back(Clock::now() - start);
    };
    for (const auto time : {2h, 1h, 3h}) scope.start(sleeper(time));
    const auto until = [&]() -> coro::Task<> {
        co_await coro::sleep_until(start + 90min);
        seen.push_back(Clock::now() - start);
    };
    scope.start(until());
    run_to_end(scope);
    CHECK_EQ(seen, std::vector<Clock::duration>{1h, 90min, 2h, 3h});
}

TEST_CASE("sleep of no time, of a past time and of all time") {
    EventLoop loop;
    Scope scope{loop};
    int done = 0;
    const auto short_ones = [&]() -> coro::Task<> {
        co_await coro::sleep(0s);
        co_await coro::sleep(-1h);
        co_await coro::sleep_until(Clock::time_point::min());
        ++done;
    };
    const auto long_one = [&]() -> coro::Task<> {
        co_await coro::sleep(Clock::duration::max());
        ++done;
    };
    scope.start(short_ones());
    scope.start(long_one());
    CHECK_EQ(done, 0);
    settle(loop);
    CHECK_EQ(done, 1);
}

TEST_CASE("next_turn lets timers and tasks of the loop run, turn by turn") {
    EventLoop loop;
    Scope scope{loop};
    int posted = 0;
    int turns = 0;
    UniqueFunction<void()> post_on = [&] {
        if (++posted < 10) loop.post([&] { post_on(); });
    };
    loop.post([&] { post_on(); });
    const auto yielding = [&]() -> coro::Task<> {
        while (posted < 10) {
            co_await coro::next_turn();
            ++turns;
        }
    };
    scope.start(yielding());
    settle(loop);
    CHECK_EQ(scope.size(), 0);
    CHECK_EQ(turns, 11);
}

TEST_CASE("within gives a value in time, and ETIMEDOUT after it") {
    const FakeClock clock;
    EventLoop loop;
    Scope scope{loop};
    std::vector<std::string> seen;
    int value = 0;
    const auto task = [&]() -> coro::Task<> {
        value = co_await coro::within(2h, value_after(1h, 7));
        const Clock::time_point start = Clock::now();
        seen.push_back(co_await outcome([&] { return coro::within(1h, value_after(2h, 7)); }));
        CHECK_EQ(Clock::now() - start, 1h);
        seen.push_back(
            co_await outcome([&] { return coro::until(Clock::now() + 1h, value_after(2h, 7)); }));
        seen.push_back(co_await outcome([&] { return coro::within(0s, value_after(1h, 7)); }));
        // The task goes on afterwards: only what was bounded has been stopped.
        co_await coro::sleep(1h);
        seen.emplace_back("goes on");
    };
    scope.start(task());
    run_to_end(scope);
    CHECK_EQ(value, 7);
    CHECK_EQ(seen, std::vector<std::string>{"ETIMEDOUT", "ETIMEDOUT", "ETIMEDOUT", "goes on"});
}

TEST_CASE("nested deadlines: the one that is over is the one that reports") {
    const FakeClock clock;
    EventLoop loop;
    Scope scope{loop};
    std::vector<std::string> seen;
    const auto inner = [&](Clock::duration time) -> coro::Task<> {
        seen.push_back("inner " +
                       co_await outcome([&] { return coro::within(time, value_after(9h, 1)); }));
        co_await coro::next_turn();
    };
    const auto task = [&]() -> coro::Task<> {
        seen.push_back("outer " + co_await outcome([&] { return coro::within(2h, inner(1h)); }));
        seen.push_back("outer " + co_await outcome([&] { return coro::within(1h, inner(2h)); }));
    };
    scope.start(task());
    run_to_end(scope);
    CHECK_EQ(seen, std::vector<std::string>{"inner ETIMEDOUT", "outer value", "inner cancelled",
                                            "outer ETIMEDOUT"});
}

TEST_CASE("deadlines that are over at the same moment: the outer one reports") {
    const FakeClock clock;
    EventLoop loop;
    Scope scope{loop};
    std::string seen;
    const auto task = [&](Clock::duration sleeps) -> coro::Task<> {
        const Clock::time_point due = Clock::now() + 1h;
        const auto inner = [&]() -> coro::Task<> {
            seen = co_await outcome([&] { return coro::until(due, value_after(sleeps, 1)); });
            co_await coro::next_turn();
        };
        seen += ", " + co_await outcome([&] { return coro::until(due, inner()); });
    };
    for (const Clock::duration sleeps : {1h, 2h}) {
        scope.start(task(sleeps));
        run_to_end(scope);
        CHECK_EQ(seen, "cancelled, ETIMEDOUT");
    }
}

TEST_CASE("a deadline is not the reason when a stop from outside is") {
    const FakeClock clock;
    EventLoop loop;
    Scope scope{loop};
    std::vector<std::string> seen;
    const auto task = [&]() -> coro::Task<> {
        seen.push_back(co_await outcome([&] { return coro::within(1h, value_after(2h, 1)); }));
        seen.push_back(co_await outcome([&] { return coro::within(1h, value_after(2h, 1)); }));
    };
    scope.start(task());
    scope.request_stop();
    settle(loop);
    CHECK_EQ(seen, std::vector<std::string>{"cancelled", "cancelled"});
}

TEST_CASE("… even when the deadline is over too") {
    const FakeClock clock;
    EventLoop loop;
    Scope scope{loop};
    std::string seen;
    const auto stops_all = [&]() -> coro::Task<> {
        try {
            co_await coro::sleep(2h);
        } catch (const coro::Cancelled&) {
            scope.request_stop();
            throw;
        }
    };
    const auto task = [&]() -> coro::Task<> {
        seen = co_await outcome([&] { return coro::within(1h, stops_all()); });
    };
    scope.start(task());
    run_to_end(scope);
    CHECK_EQ(seen, "cancelled");
}

TEST_CASE("what catches the deadline's Cancelled may still end with a value") {
    const FakeClock clock;
    EventLoop loop;
    Scope scope{loop};
    const auto stubborn = []() -> coro::Task<int> {
        try {
            co_await coro::sleep(2h);
        } catch (const coro::Cancelled&) {
        }
        try {
            co_await coro::next_turn(); // sticky: each await throws at once
        } catch (const coro::Cancelled&) {
            co_return 5;
        }
        co_return 6;
    };
    int value = 0;
    const auto task = [&]() -> coro::Task<> { value = co_await coro::within(1h, stubborn()); };
    scope.start(task());
    run_to_end(scope);
    CHECK_EQ(value, 5);
}

TEST_CASE("stoppable stops one task by its token, before or while it waits") {
    EventLoop loop;
    Scope scope{loop};
    std::stop_source source;
    std::vector<std::string> seen;
    const auto task = [&]() -> coro::Task<> {
        seen.push_back(co_await outcome(
            [&] { return coro::stoppable(std::stop_token{}, value_after(0s, 1)); }));
        seen.push_back(co_await outcome(
            [&] { return coro::stoppable(source.get_token(), value_after(1h, 1)); }));
        seen.push_back(co_await outcome(
            [&] { return coro::stoppable(source.get_token(), value_after(1h, 1)); }));
        co_await coro::next_turn();
        seen.emplace_back("goes on");
    };
    scope.start(task());
    settle(loop);
    CHECK_EQ(seen.size(), 1);
    source.request_stop();
    settle(loop);
    CHECK_EQ(seen, std::vector<std::string>{"value", "cancelled", "cancelled", "goes on"});
}
