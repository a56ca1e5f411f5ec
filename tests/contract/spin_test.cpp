// W17 of the catalogue: a loop that looks for a while before it sleeps (LoopOptions::spin).

#include "support/child.hpp"
#include "support/contract.hpp"
#include "support/sockets.hpp"
#include "support/wake_up_budget.hpp"

#include <array>
#include <functional>
#include <optional>
#include <poll.h>
#include <pollux/event_loop.hpp>
#include <thread>
#include <utility>

using namespace pollux;
using namespace pollux_test;
using namespace std::chrono_literals;

namespace {

void in_other_thread(const std::function<void()>& work) { std::thread{work}.join(); }

// While it lives each wait takes a microsecond, and `before` is asked before the one of that
// number.
class SlowLooks {
public:
    explicit SlowLooks(FakeClock& clock) : SlowLooks{clock, 0, nullptr} {}
    SlowLooks(FakeClock& clock, std::uint64_t number, std::function<void()> before)
        : hook_{[this, &clock, number, before = std::move(before)](const CallPoint& call) {
              if (!is_wait(call.name)) return CallOutcome{};
              clock.advance(1us);
              if (++waits_ == number) before();
              return CallOutcome{};
          }} {}
    std::uint64_t waits() const { return waits_; }

private:
    std::uint64_t waits_ = 0;
    CallHook hook_;
};

} // namespace

CONTRACT_CASE("W17 a loop looks until its budget is spent, and then sleeps", on_level) {
    FakeClock clock;
    EventLoop loop{mode.backend, {.spin = 10us}};
    const SlowLooks looks{clock};
    const Clock::time_point start = Clock::now();
    CHECK_EQ(loop.run_once(1s), 0);
    CHECK_EQ(looks.waits(), 12); // the budget counts from the end of the first look
    CHECK_GE(Clock::now() - start, 1s);
    CHECK_LE(Clock::now() - start, 1s + 2us); // the first look, and the sleep itself
}

CONTRACT_CASE("W17 without a budget, or without time, a turn is one wait", on_level) {
    FakeClock clock;
    const SlowLooks looks{clock};
    EventLoop plain{mode.backend};
    plain.run_once(1s);
    CHECK_EQ(looks.waits(), 1);
    const Timer first = plain.run_after(1h, [] {}); // the next turn goes the long way
    plain.run_once(1s);
    CHECK_EQ(looks.waits(), 2);
    EventLoop loop{mode.backend, {.spin = 1s}};
    turns(loop, 5);
    CHECK_EQ(looks.waits(), 7);
}

CONTRACT_CASE("W17 a clock that stands still does not keep the loop looking", on_level) {
    const FakeClock clock;
    EventLoop loop{mode.backend, {.spin = 10us}};
    const Clock::time_point start = Clock::now();
    loop.run_once(1h);
    CHECK_EQ(Clock::now() - start, 1h);
}

CONTRACT_CASE("W17 what becomes ready while the loop looks is found by the next look", everywhere) {
    FakeClock clock;
    EventLoop loop{mode.backend, {.spin = 1s}};
    const Ends ends = unix_pair();
    int calls = 0;
    const Watch watch =
        loop.watch(ends.ours.get(), Interest::read, mode.trigger, [&](Readiness) { ++calls; });
    const SlowLooks looks{clock, 5, [&] { put(ends.theirs, "x"); }};
    CHECK_EQ(loop.run_once(), 1);
    CHECK_EQ(calls, 1);
    CHECK_EQ(looks.waits(), 5);
}

CONTRACT_CASE("W17 a timer ends the looking: never early, and late by one look", on_level) {
    FakeClock clock;
    EventLoop loop{mode.backend, {.spin = 1s}};
    const Clock::time_point due = Clock::now() + 20us;
    Clock::duration late = -1ns;
    const Timer timer = loop.run_at(due, [&] { late = Clock::now() - due; });
    const SlowLooks looks{clock};
    loop.run_once();
    CHECK_GE(late, 0ns);
    CHECK_LE(late, 1us);
    CHECK_LE(looks.waits(), 21);
}

CONTRACT_CASE("W17 run_once that may wait less than the budget never sleeps", on_level) {
    FakeClock clock;
    EventLoop loop{mode.backend, {.spin = 1s}};
    const Clock::time_point start = Clock::now();
    const SlowLooks looks{clock};
    CHECK_EQ(loop.run_once(20us), 0);
    CHECK_GE(Clock::now() - start, 20us);
    CHECK_LE(Clock::now() - start, 21us);
}

CONTRACT_CASE("W17 post, wake and stop reach a loop that looks without a system call", on_level) {
    FakeClock clock;
    EventLoop loop{mode.backend, {.spin = 1s}};
    int ran = 0;
    const std::array<std::function<void()>, 3> ways{[&] { loop.post([&] { ++ran; }); },
                                                    [&] { loop.wake(); }, [&] { loop.stop(); }};
    for (const auto& way : ways) {
        const auto writes = calls_made("write");
        const SlowLooks looks{clock, 5, [&] { in_other_thread(way); }};
        loop.run_once();
        CHECK_EQ(looks.waits(), 5);
        CHECK_EQ(calls_made("write") - writes, 0);
    }
    CHECK_EQ(ran, 1);
    loop.run(); // was stopped
}

CONTRACT_CASE("W17 who wakes between the last look and the sleep is heard", on_level) {
    FakeClock clock;
    EventLoop loop{mode.backend, {.spin = 10us}};
    int ran = 0;
    std::optional<SlowLooks> looks;
    const Clock::time_point start = Clock::now();
    bool posted = false;
    const CallHook at_the_end{[&](const CallPoint& call) {
        if (call.name == "clock_gettime" && looks && looks->waits() == 11 &&
            !std::exchange(posted, true))
            in_other_thread([&] { loop.post([&] { ++ran; }); });
        return CallOutcome{};
    }};
    looks.emplace(clock);
    loop.run_once(1h);
    looks.reset();
    CHECK(posted);
    CHECK_EQ(ran, 1);
    CHECK_LT(Clock::now() - start, 1s);
}

CONTRACT_CASE("W17 after run_once nobody looks: who wakes writes", on_level) {
    FakeClock clock;
    EventLoop loop{mode.backend, {.spin = 1s}};
    {
        const SlowLooks looks{clock};
        loop.run_once(20us);
        CHECK_EQ(looks.waits(), 21); // it looked to the end, and never said that it would sleep
    }
    const auto writes = calls_made("write");
    in_other_thread([&] { loop.wake(); });
    CHECK_EQ(calls_made("write") - writes, 1);
}

CONTRACT_CASE("W14 W17 the child of a loop that looks has to be woken by writing", on_epoll) {
    FakeClock clock;
    EventLoop loop{mode.backend, {.spin = 10us}};
    const SlowLooks looks{clock, 5, [&] {
                              holds_in_child([&](const Expect& expect) {
                                  loop.after_fork();
                                  loop.wake();
                                  pollfd driver{
                                      .fd = loop.descriptor(), .events = POLLIN, .revents = 0};
                                  expect(::poll(&driver, 1, 0) == 1, "a driver is told");
                              });
                          }};
    loop.run_once(1s);
    CHECK_GT(looks.waits(), 5);
}

CONTRACT_CASE("W17 two loops that look pass a task to and fro, in every order of things",
              on_level) {
    constexpr int trips = 20'000;
    EventLoop here{mode.backend, {.spin = 20us}};
    EventLoop there{mode.backend, {.spin = 20us}};
    int left = trips;
    UniqueFunction<void()> back;
    back = [&] {
        if (--left == 0) {
            there.stop();
            return here.stop();
        }
        there.post([&] { here.post([&] { back(); }); });
    };
    std::thread other{[&] { there.run(); }};
    here.post([&] { back(); });
    here.run();
    other.join();
    CHECK_EQ(left, 0);
}
