// D8 and P15 of the catalogue: an exception leaves the turn, and the next one goes on where it
// stopped.

#include "support/contract.hpp"
#include "support/sockets.hpp"
#include "support/wake_up_budget.hpp"

#include <array>
#include <memory>
#include <pollux/event_loop.hpp>
#include <stdexcept>
#include <vector>

using namespace pollux;
using namespace pollux_test;
using namespace std::chrono_literals;

CONTRACT_CASE("D8 P15 an exception leaves run, and the next run delivers the rest", everywhere) {
    EventLoop loop{mode.backend};
    std::array<Ends, 3> pairs{unix_pair(), unix_pair(), unix_pair()};
    std::vector<Watch> watches;
    int calls = 0;
    for (Ends& pair : pairs) {
        put(pair.theirs, "x");
        watches.push_back(
            loop.watch(pair.ours.get(), Interest::read, mode.trigger, [&calls, &pair](Readiness) {
                take(pair.ours);
                if (++calls == 2) throw std::runtime_error{"second"};
            }));
    }
    CHECK_THROWS_WITH(loop.run_once(Timeout::zero()), "second");
    CHECK_EQ(calls, 2);
    loop.run_once(Timeout::zero());
    CHECK_EQ(calls, 3);
}

CONTRACT_CASE("D8 P15 a callback that gave up its own watch may throw", everywhere) {
    EventLoop loop{mode.backend};
    const Ends ends = unix_pair();
    put(ends.theirs, "x");
    auto kept = std::make_shared<int>(1);
    const std::weak_ptr<int> seen{kept};
    Watch watch = loop.watch(ends.ours.get(), Interest::read, mode.trigger,
                             [&watch, kept = std::move(kept)](Readiness) {
                                 watch.stop();
                                 throw std::runtime_error{"gone"};
                             });
    CHECK_THROWS_WITH(loop.run_once(Timeout::zero()), "gone");
    CHECK(seen.expired());
    CHECK_EQ(turns(loop, 2), 0);
}

CONTRACT_CASE("D8 P15 a task may throw: the tasks behind it run in the next turn", on_level) {
    EventLoop loop{mode.backend};
    int ran = 0;
    loop.post([&] { ++ran; });
    loop.post([&] { throw std::runtime_error{"second"}; });
    loop.post([&] { ++ran; });
    CHECK_THROWS_WITH(loop.run_once(Timeout::zero()), "second");
    CHECK_EQ(ran, 1);
    turns(loop, 1);
    CHECK_EQ(ran, 2);
}

CONTRACT_CASE("D8 after an exception the time of the turn is read anew", on_level) {
    FakeClock clock;
    EventLoop loop{mode.backend};
    loop.post([&] {
        loop.now();
        throw std::runtime_error{"first"};
    });
    Clock::time_point seen{};
    loop.post([&] { seen = loop.now(); });
    CHECK_THROWS(loop.run_once(Timeout::zero()));
    clock.advance(1h);
    turns(loop, 1);
    CHECK_EQ(seen, Clock::now());
}

CONTRACT_CASE("D8 T2 a timer puts off the next one and throws: the one behind that is due still",
              on_level) {
    FakeClock clock;
    EventLoop loop{mode.backend};
    std::array<Timer, 3> timers;
    int ran = 0;
    timers[0] = loop.run_after(1ms, [&] {
        timers[1].run_after(1h);
        throw std::runtime_error{"first"};
    });
    timers[1] = loop.run_after(1ms, [] {});
    timers[2] = loop.run_after(1ms, [&] { ++ran; });
    clock.advance(2ms);
    CHECK_THROWS_WITH(loop.run_once(), "first");
    CHECK_EQ(loop.time_to_wait(), Timeout::zero());
    loop.run_once();
    CHECK_EQ(ran, 1);
}
