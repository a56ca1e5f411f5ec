// D of the catalogue: who is called in a turn, whatever callbacks do to one another.

#include "support/contract.hpp"
#include "support/sockets.hpp"

#include <optional>
#include <pollux/event_loop.hpp>
#include <vector>

using namespace pollux;
using namespace pollux_test;

CONTRACT_CASE("D1 a callback gives up another watch of the same batch: that one is not called",
              everywhere) {
    EventLoop loop{mode.backend};
    std::array<Ends, 2> pairs{unix_pair(), unix_pair()};
    std::array<Watch, 2> watches;
    int calls = 0;
    for (std::size_t i = 0; i < 2; ++i) {
        put(pairs[i].theirs, "x");
        watches[i] =
            loop.watch(pairs[i].ours.get(), Interest::read, mode.trigger, [&, i](Readiness) {
                ++calls;
                watches[1 - i].stop();
            });
    }
    loop.run_once(Timeout::zero());
    CHECK_EQ(calls, 1);
}

CONTRACT_CASE("D2 … and its number goes to somebody new: who is not called either", everywhere) {
    EventLoop loop{mode.backend};
    std::array<Ends, 2> pairs{unix_pair(), unix_pair()};
    std::array<Watch, 2> watches;
    Ends fresh;
    Watch fresh_watch;
    bool fresh_called = false;
    for (std::size_t i = 0; i < 2; ++i) {
        put(pairs[i].theirs, "x");
        watches[i] =
            loop.watch(pairs[i].ours.get(), Interest::read, mode.trigger, [&, i](Readiness) {
                Fd& other = pairs[1 - i].ours;
                const int number = other.get();
                watches[1 - i].stop();
                other.reset();
                fresh = unix_pair();
                REQUIRE_EQ(fresh.ours.get(), number);
                fresh_watch = loop.watch(number, Interest::read, mode.trigger,
                                         [&](Readiness) { fresh_called = true; });
                watches[i].pause();
            });
    }
    loop.run_once(Timeout::zero());
    CHECK_FALSE(fresh_called);
    put(fresh.theirs, "y");
    loop.run_once();
    CHECK(fresh_called);
}

CONTRACT_CASE("D3 a callback gives up its own watch and lives until it returns", everywhere) {
    EventLoop loop{mode.backend};
    const Ends ends = unix_pair();
    put(ends.theirs, "x");
    auto kept = std::make_shared<std::string>("captured");
    const std::weak_ptr<std::string> seen{kept};
    std::optional<Watch> watch;
    watch = loop.watch(ends.ours.get(), Interest::read, mode.trigger,
                       [&watch, kept = std::move(kept)](Readiness) {
                           watch.reset();
                           CHECK_EQ(*kept, "captured");
                       });
    loop.run_once(Timeout::zero());
    CHECK(seen.expired());
    CHECK_EQ(loop.run_once(Timeout::zero()), 0);
}

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
