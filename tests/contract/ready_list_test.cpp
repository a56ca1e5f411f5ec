// P10 and E17 of the catalogue: `Watch::again`, for a handler that stops early and wants to be
// called again without a new event.

#include "support/contract.hpp"
#include "support/sockets.hpp"
#include "support/wake_up_budget.hpp"

#include <array>
#include <pollux/event_loop.hpp>
#include <stdexcept>
#include <string>
#include <vector>

using namespace pollux;
using namespace pollux_test;
using namespace std::chrono_literals;

CONTRACT_CASE("E17 again: called in the next turn, without a new event", everywhere) {
    EventLoop loop{mode.backend};
    const Ends ends = unix_pair();
    std::string got;
    Watch watch = loop.watch(ends.ours.get(), Interest::read, mode.trigger, [&](Readiness ready) {
        CHECK(has(ready, Readiness::readable));
        got += take(ends.ours, 1);
        if (got.size() < 4)
            watch.again();
        else
            watch.pause();
    });
    put(ends.theirs, "four");
    for (std::size_t turn = 1; turn <= 4; ++turn) {
        CHECK_EQ(loop.run_once(), 1); // would sleep for ever on edge and one-shot
        CHECK_EQ(got.size(), turn);
    }
    CHECK_EQ(turns(loop, 2), 0);
    CHECK_EQ(got, "four");
}

CONTRACT_CASE("again comes after what the kernel reports", everywhere) {
    EventLoop loop{mode.backend};
    const std::array<Ends, 2> pairs{unix_pair(), unix_pair()};
    std::string order;
    Watch first = loop.watch(pairs[0].ours.get(), Interest::read, mode.trigger,
                             [&](Readiness) { order += 'a'; });
    const Watch second = loop.watch(pairs[1].ours.get(), Interest::read, mode.trigger,
                                    [&](Readiness) { order += 'k'; });
    first.again();
    put(pairs[1].theirs, "x");
    turns(loop, 1);
    CHECK_EQ(order, "ka");
}

CONTRACT_CASE("again and the kernel's event make one visit", everywhere) {
    EventLoop loop{mode.backend};
    const Ends ends = unix_pair();
    std::vector<Readiness> told;
    Watch watch = loop.watch(ends.ours.get(), Interest::read_write, mode.trigger,
                             [&](Readiness ready) { told.push_back(ready); });
    put(ends.theirs, "x");
    watch.again(Readiness::readable);
    watch.again(Readiness::readable);
    turns(loop, 1);
    REQUIRE_EQ(told.size(), 1);
    CHECK_EQ(told[0], (Readiness::readable | Readiness::writable));
}

CONTRACT_CASE("again asked for by a neighbour: the event of the batch is not lost", everywhere) {
    EventLoop loop{mode.backend};
    const std::array<Ends, 2> pairs{unix_pair(), unix_pair()};
    std::array<Watch, 2> watches;
    std::array<int, 2> calls{};
    for (std::size_t i = 0; i < 2; ++i) {
        put(pairs[i].theirs, "x");
        watches[i] =
            loop.watch(pairs[i].ours.get(), Interest::read, mode.trigger, [&, i](Readiness) {
                take(pairs[i].ours);
                ++calls[i];
                if (calls[0] + calls[1] == 1) watches[1 - i].again(Readiness::none);
            });
    }
    turns(loop, 2);
    CHECK_EQ(calls[0], 1);
    CHECK_EQ(calls[1], 1);
}

CONTRACT_CASE("again, and then an event of a watch that was given up: again is not lost",
              everywhere) {
    EventLoop loop{mode.backend};
    const std::array<Ends, 2> pairs{unix_pair(), unix_pair()};
    std::array<Watch, 2> watches;
    int calls = 0;
    for (std::size_t i = 0; i < 2; ++i) {
        put(pairs[i].theirs, "x");
        watches[i] =
            loop.watch(pairs[i].ours.get(), Interest::read, mode.trigger, [&, i](Readiness) {
                take(pairs[i].ours);
                if (++calls == 1) {
                    watches[i].again();
                    watches[1 - i].stop();
                }
            });
    }
    CHECK_EQ(turns(loop, 1), 1);
    CHECK_EQ(turns(loop, 1), 1);
    CHECK_EQ(calls, 2);
}

CONTRACT_CASE("again: what is not asked for is left out", everywhere) {
    EventLoop loop{mode.backend};
    const Ends ends = unix_pair();
    int calls = 0;
    Watch watch =
        loop.watch(ends.ours.get(), Interest::read, mode.trigger, [&](Readiness) { ++calls; });
    watch.again(Readiness::writable);
    turns(loop, 2);
    CHECK_EQ(calls, 0);
    watch.again(Readiness::readable);
    watch.set_interest(Interest::write);
    turns(loop, 1);
    CHECK_EQ(calls, 1); // for writing, as the kernel reports
}

CONTRACT_CASE("again is dropped when the watch is paused, and stays so when it resumes",
              everywhere) {
    EventLoop loop{mode.backend};
    const Ends ends = unix_pair();
    int calls = 0;
    Watch watch =
        loop.watch(ends.ours.get(), Interest::read, mode.trigger, [&](Readiness) { ++calls; });
    watch.again();
    watch.pause();
    CHECK_EQ(turns(loop, 2), 0);
    watch.again(); // asked for while paused
    CHECK_EQ(turns(loop, 2), 0);
    watch.resume();
    CHECK_EQ(turns(loop, 2), 0);
    watch.again();
    watch.pause();
    watch.resume();
    CHECK_EQ(turns(loop, 2), 0); // nothing is readable, and nobody may say so
    CHECK_EQ(calls, 0);
    put(ends.theirs, "x");
    turns(loop, 1);
    CHECK_EQ(calls, 1);
}

CONTRACT_CASE("a watch given up while queued is not called, nor who gets its place", everywhere) {
    EventLoop loop{mode.backend};
    const Ends ends = unix_pair();
    Watch watch = loop.watch(ends.ours.get(), Interest::read, mode.trigger,
                             [](Readiness) { FAIL_CHECK("called"); });
    watch.again();
    watch.stop();
    watch = loop.watch(ends.ours.get(), Interest::read, mode.trigger,
                       [](Readiness) { FAIL_CHECK("called"); });
    turns(loop, 3);
}

CONTRACT_CASE("a neighbour gives up a queued watch within the round", everywhere) {
    EventLoop loop{mode.backend};
    const std::array<Ends, 2> pairs{unix_pair(), unix_pair()};
    std::array<Watch, 2> watches;
    int calls = 0;
    for (std::size_t i = 0; i < 2; ++i) {
        watches[i] =
            loop.watch(pairs[i].ours.get(), Interest::read, mode.trigger, [&, i](Readiness) {
                ++calls;
                watches[1 - i].stop();
            });
        watches[i].again();
    }
    turns(loop, 2);
    CHECK_EQ(calls, 1);
}

CONTRACT_CASE("stop while queued: the round is served, the rest waits for the next run",
              everywhere) {
    EventLoop loop{mode.backend};
    const Ends ends = unix_pair();
    int calls = 0;
    Watch watch = loop.watch(ends.ours.get(), Interest::read, mode.trigger, [&](Readiness) {
        ++calls;
        watch.again();
        loop.stop();
    });
    watch.again();
    loop.run();
    CHECK_EQ(calls, 1);
    CHECK_EQ(loop.time_to_wait(), Timeout::zero());
    loop.run();
    CHECK_EQ(calls, 2);
}

CONTRACT_CASE("E9 again does not arm a one-shot watch", on_one_shot) {
    EventLoop loop{mode.backend};
    const Ends ends = unix_pair();
    int calls = 0;
    Watch watch =
        loop.watch(ends.ours.get(), Interest::read, mode.trigger, [&](Readiness) { ++calls; });
    put(ends.theirs, "x");
    turns(loop, 2);
    CHECK_EQ(calls, 1);
    watch.again();
    turns(loop, 3);
    CHECK_EQ(calls, 2); // by again, not by the data
    watch.rearm();
    turns(loop, 2);
    CHECK_EQ(calls, 3);
}

CONTRACT_CASE("E17 again for ever starves neither others, nor timers, nor tasks", everywhere) {
    FakeClock clock;
    EventLoop loop{mode.backend};
    const std::array<Ends, 3> pairs{unix_pair(), unix_pair(), unix_pair()};
    std::array<Watch, 3> greedy;
    int rounds = 0;
    for (std::size_t i = 0; i < 2; ++i) {
        greedy[i] =
            loop.watch(pairs[i].ours.get(), Interest::read, mode.trigger, [&, i](Readiness) {
                ++rounds;
                greedy[i].again();
            });
        greedy[i].again();
    }
    int read = 0;
    Watch& modest = greedy[2];
    modest = loop.watch(pairs[2].ours.get(), Interest::read, mode.trigger, [&](Readiness) {
        take(pairs[2].ours);
        ++read;
        modest.rearm();
    });
    int timed = 0;
    const Timer timer = loop.run_every(1ns, [&] { ++timed; });
    int tasks = 0;
    for (int turn = 1; turn <= 5; ++turn) {
        put(pairs[2].theirs, "x");
        loop.post([&] { ++tasks; });
        clock.advance(1ns);
        loop.run_once();
        CHECK_EQ(rounds, 2 * turn);
        CHECK_EQ(read, turn);
        CHECK_EQ(timed, turn);
        CHECK_EQ(tasks, turn);
    }
}

CONTRACT_CASE("while a watch is queued no wait sleeps, and none is left out", everywhere) {
    EventLoop loop{mode.backend};
    const Ends ends = unix_pair();
    Watch watch = loop.watch(ends.ours.get(), Interest::read, mode.trigger, [&](Readiness) {});
    CHECK_EQ(loop.time_to_wait(), forever);
    for (int turn = 0; turn < 3; ++turn) {
        watch.again();
        CHECK_EQ(loop.time_to_wait(), Timeout::zero());
        const auto before = calls_made("wait");
        loop.run_once();
        CHECK_EQ(calls_made("wait"), before + 1);
    }
    CHECK_EQ(loop.time_to_wait(), forever);
}

CONTRACT_CASE("P15 one of the ready list throws: the rest is served by the next turn, once",
              everywhere) {
    EventLoop loop{mode.backend};
    const std::array<Ends, 3> pairs{unix_pair(), unix_pair(), unix_pair()};
    std::array<Watch, 3> watches;
    std::array<int, 3> calls{};
    for (std::size_t i = 0; i < 3; ++i) {
        watches[i] =
            loop.watch(pairs[i].ours.get(), Interest::read, mode.trigger, [&, i](Readiness) {
                ++calls[i];
                if (i == 1) throw std::runtime_error{"second"};
            });
        watches[i].again();
    }
    CHECK_THROWS_WITH(loop.run_once(Timeout::zero()), "second");
    CHECK_EQ(calls, std::array{1, 1, 0});
    turns(loop, 2);
    CHECK_EQ(calls, std::array{1, 1, 1});
}

CONTRACT_CASE("the kernel refuses to wait: what is queued is served by the next turn", everywhere) {
    EventLoop loop{mode.backend};
    const Ends ends = unix_pair();
    int calls = 0;
    Watch watch =
        loop.watch(ends.ours.get(), Interest::read, mode.trigger, [&](Readiness) { ++calls; });
    watch.again();
    {
        const CallHook hook{[](const CallPoint& call) {
            return is_wait(call.name) ? CallOutcome{.error = EINVAL} : CallOutcome{};
        }};
        CHECK_THROWS_AS(loop.run_once(Timeout::zero()), std::system_error);
    }
    turns(loop, 2);
    CHECK_EQ(calls, 1);
}
