// R and P5 of the catalogue, for a `Watch`: paused, changed, moved, left without a loop.

#include "support/contract.hpp"
#include "support/sockets.hpp"
#include "support/wake_up_budget.hpp"

#include <array>
#include <cerrno>
#include <memory>
#include <poll.h>
#include <pollux/event_loop.hpp>
#include <pollux/instruments/call_hook.hpp>
#include <stdexcept>
#include <system_error>

using namespace pollux;
using namespace pollux_test;
using namespace std::chrono_literals;

CONTRACT_CASE("R12 P5 a paused watch is silent, hang-up included, and hears of it when resumed",
              everywhere) {
    const FakeClock clock;
    EventLoop loop{mode.backend};
    Ends ends = unix_pair();
    Readiness told = Readiness::none;
    Watch watch = loop.watch(ends.ours.get(), Interest::read, mode.trigger, [&](Readiness ready) {
        told = ready;
        watch.pause();
    });
    watch.pause();
    CHECK(watch.paused());
    put(ends.theirs, "x");
    ends.theirs.reset();
    {
        const WakeUpBudget budget{loop, 1};
        run_for(loop, 1h);
    }
    CHECK_EQ(told, Readiness::none);
    watch.resume();
    const WakeUpBudget budget{loop, 2};
    run_for(loop, 1h);
    CHECK(has(told, Readiness::readable));
    CHECK(watch.paused());
}

CONTRACT_CASE("P5 set_interest resumes a paused watch, and each of these may be said twice",
              everywhere) {
    EventLoop loop{mode.backend};
    const Ends ends = unix_pair();
    Readiness told = Readiness::none;
    Watch watch = loop.watch(ends.ours.get(), Interest::read, mode.trigger,
                             [&](Readiness ready) { told = ready; });
    watch.resume();
    watch.pause();
    watch.pause();
    watch.set_interest(Interest::write);
    CHECK_FALSE(watch.paused());
    turns(loop, 1);
    CHECK_EQ(told, Readiness::writable);
    watch.pause();
    watch.set_interest(Interest::read);
    told = Readiness::none;
    turns(loop, 1);
    CHECK_EQ(told, Readiness::none);
    watch.pause();
    watch.resume();
    watch.resume();
    put(ends.theirs, "x");
    turns(loop, 1);
    CHECK_EQ(told, Readiness::readable);
}

CONTRACT_CASE("bug-B2 no interest is left and the peer resets: the loop sleeps", everywhere) {
    const FakeClock clock;
    EventLoop loop{mode.backend};
    Ends ends = tcp_pair();
    int calls = 0;
    Watch watch = loop.watch(ends.ours.get(), Interest::read_write, mode.trigger, [&](Readiness) {
        ++calls;
        watch.pause();
    });
    reset(ends.theirs);
    await_told(ends.ours, POLLERR);
    const WakeUpBudget budget{loop, 2};
    run_for(loop, 1h);
    CHECK_EQ(calls, 1);
}

CONTRACT_CASE("R23 P1 an object that watches nothing: tests answer, all else is a logic_error",
              everywhere) {
    EventLoop loop{mode.backend};
    const Ends ends = unix_pair();
    Watch watch = loop.watch(ends.ours.get(), Interest::read, mode.trigger, [](Readiness) {});
    const Watch taken = std::move(watch);
    Watch none;
    for (Watch* empty : {&watch, &none}) { // NOLINT(bugprone-use-after-move): this is the test
        CHECK_FALSE(*empty);
        CHECK_EQ(empty->fd(), -1);
        CHECK_FALSE(empty->paused());
        CHECK_THROWS_AS(empty->set_interest(Interest::read), std::logic_error);
        CHECK_THROWS_AS(empty->pause(), std::logic_error);
        CHECK_THROWS_AS(empty->resume(), std::logic_error);
        CHECK_THROWS_AS(empty->rearm(), std::logic_error);
        CHECK_THROWS_AS(empty->again(), std::logic_error);
        empty->stop();
    }
    CHECK_EQ(taken.fd(), ends.ours.get());
}

CONTRACT_CASE("R23 a watch moves: the registration stays, an overwritten one ends", everywhere) {
    EventLoop loop{mode.backend};
    const std::array<Ends, 2> pairs{unix_pair(), unix_pair()};
    std::array<int, 2> calls{};
    std::array<Watch, 2> watches;
    for (std::size_t i = 0; i < 2; ++i)
        watches[i] = loop.watch(pairs[i].ours.get(), Interest::read, mode.trigger,
                                [&, i](Readiness) { ++calls[i]; });
    watches[0] = std::move(watches[1]);
    put(pairs[0].theirs, "x");
    put(pairs[1].theirs, "x");
    turns(loop, 1);
    CHECK_EQ(calls[0], 0);
    CHECK_EQ(calls[1], 1);
    Watch& same = watches[0];
    watches[0] = std::move(same);
    CHECK(watches[0]);
}

CONTRACT_CASE("R23 a watch stays legal to touch when its loop is gone", everywhere) {
    const Ends ends = unix_pair();
    auto kept = std::make_shared<int>(1);
    const std::weak_ptr<int> seen{kept};
    Watch watch;
    {
        EventLoop loop{mode.backend};
        watch = loop.watch(ends.ours.get(), Interest::read, mode.trigger,
                           [kept = std::move(kept)](Readiness) {});
    }
    CHECK(seen.expired());
    CHECK(watch);
    CHECK_EQ(watch.fd(), ends.ours.get());
    watch.pause();
    watch.resume();
    watch.set_interest(Interest::write);
    watch.rearm();
    watch.again();
    const Watch moved = std::move(watch);
}

CONTRACT_CASE("R22 a loop goes with watches that own one another", everywhere) {
    const std::array<Ends, 2> pairs{unix_pair(), unix_pair()};
    struct Holder {
        Watch watch;
    };
    {
        EventLoop loop{mode.backend};
        const auto first = std::make_shared<Holder>();
        const auto second = std::make_shared<Holder>();
        first->watch = loop.watch(pairs[0].ours.get(), Interest::read, mode.trigger,
                                  [first, second](Readiness) {});
        second->watch = loop.watch(pairs[1].ours.get(), Interest::read, mode.trigger,
                                   [first, second](Readiness) {});
    } // the sanitizer tells whether the ring was broken
}

CONTRACT_CASE("R2 a descriptor is watched once, paused or not", everywhere) {
    EventLoop loop{mode.backend};
    const Ends ends = unix_pair();
    int calls = 0;
    Watch watch =
        loop.watch(ends.ours.get(), Interest::read, mode.trigger, [&](Readiness) { ++calls; });
    const auto again = [&] {
        try {
            const Watch second =
                loop.watch(ends.ours.get(), Interest::read, mode.trigger, [](Readiness) {});
            return 0;
        } catch (const std::system_error& error) {
            return error.code().value();
        }
    };
    CHECK_EQ(again(), EEXIST);
    watch.pause();
    CHECK_EQ(again(), EEXIST);
    watch.resume();
    put(ends.theirs, "x");
    turns(loop, 1);
    CHECK_EQ(calls, 1);
    watch.stop();
    CHECK_EQ(again(), 0);
}

CONTRACT_CASE("R8 the kernel refuses a change: the watch is as it was", on_epoll) {
    EventLoop loop{mode.backend};
    const Ends ends = unix_pair();
    int calls = 0;
    Watch watch = loop.watch(ends.ours.get(), Interest::read, mode.trigger, [&](Readiness ready) {
        CHECK_EQ(ready, Readiness::readable);
        ++calls;
    });
    const auto refusing = [](auto change) {
        const CallHook hook{[](const CallPoint& call) {
            return call.name == "epoll_ctl" ? CallOutcome{.error = ENOMEM} : CallOutcome{};
        }};
        CHECK_THROWS_AS(change(), std::system_error);
    };
    refusing([&] { watch.set_interest(Interest::write); });
    put(ends.theirs, "x");
    turns(loop, 1);
    CHECK_EQ(calls, 1);
    watch.pause();
    refusing([&] { watch.resume(); });
    CHECK(watch.paused());
    watch.resume();
    turns(loop, 1);
    CHECK_EQ(calls, 2);
    refusing([&] {
        const Watch other =
            loop.watch(ends.theirs.get(), Interest::read, mode.trigger, [](Readiness) {});
    });
    const Watch other =
        loop.watch(ends.theirs.get(), Interest::write, mode.trigger, [](Readiness) {});
}
