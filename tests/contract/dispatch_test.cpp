// D of the catalogue: who is called in a turn, whatever callbacks do to one another.

#include "support/contract.hpp"
#include "support/sockets.hpp"
#include "support/wake_up_budget.hpp"

#include <algorithm>
#include <array>
#include <fcntl.h>
#include <memory>
#include <optional>
#include <pollux/event_loop.hpp>
#include <stdexcept>
#include <string>
#include <sys/resource.h>
#include <sys/select.h>
#include <vector>

using namespace pollux;
using namespace pollux_test;
using namespace std::chrono_literals;

namespace {

Fd duplicate(const Fd& of) { return Fd{::fcntl(of.get(), F_DUPFD_CLOEXEC, 0)}; }

// As many descriptors as the mode and the process can have, 10 000 at most.
std::size_t plenty(const Mode& mode) {
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
    const std::size_t most = std::min<std::size_t>(10'000, limit.rlim_max - 100);
    return mode.is(Backend::select) ? std::min<std::size_t>(most, FD_SETSIZE - 100) : most;
}

} // namespace

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
    const auto sets = calls_made("epoll_create1");
    turns(loop, 1);
    CHECK_EQ(calls, 1);
    turns(loop, 1);
    CHECK_EQ(calls_made("epoll_create1"), sets); // the event left over is no ghost
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

CONTRACT_CASE("D4 bug-A2 a callback closes: what else its event said is not told", everywhere) {
    EventLoop loop{mode.backend};
    Ends ends = unix_pair();
    put(ends.theirs, "x");
    std::vector<Readiness> told;
    Watch watch = loop.watch(ends.ours.get(), Interest::read_write, mode.trigger, [&](Readiness r) {
        told.push_back(r);
        watch.stop();
        ends.ours.reset();
    });
    turns(loop, 3);
    REQUIRE_EQ(told.size(), 1);
    CHECK(has(told[0], Readiness::readable));
    CHECK(has(told[0], Readiness::writable));
}

CONTRACT_CASE("D5 bug-A10 a callback adds thousands of watches: the batch goes on", everywhere) {
    EventLoop loop{mode.backend};
    const std::array<Ends, 2> pairs{unix_pair(), unix_pair()};
    std::array<Watch, 2> watches;
    const Ends quiet = unix_pair();
    std::vector<Fd> copies;
    std::vector<Watch> many;
    int calls = 0;
    for (std::size_t i = 0; i < 2; ++i) {
        put(pairs[i].theirs, "x");
        watches[i] = loop.watch(pairs[i].ours.get(), Interest::read, mode.trigger,
                                [&, i, big = std::array<char, 64>{'b'}](Readiness) {
                                    ++calls;
                                    while (copies.size() < plenty(mode)) {
                                        copies.push_back(duplicate(quiet.ours));
                                        many.push_back(loop.watch(copies.back().get(),
                                                                  Interest::read, mode.trigger,
                                                                  [&](Readiness) { ++calls; }));
                                    }
                                    CHECK_EQ(big[0], 'b');
                                    take(pairs[i].ours);
                                });
    }
    turns(loop, 1);
    CHECK_EQ(calls, 2);
    calls = 0;
    put(quiet.theirs, "y");
    // A batch of epoll has room for a part of them; what is level-triggered comes round by round.
    for (int turn = 0; calls < static_cast<int>(many.size()) && turn < 100'000; ++turn)
        turns(loop, 1);
    CHECK_GE(calls, static_cast<int>(many.size()));
    many.clear();
    copies.clear();
}

CONTRACT_CASE("D6 a callback pauses another ready watch: that one is not called", everywhere) {
    EventLoop loop{mode.backend};
    const std::array<Ends, 2> pairs{unix_pair(), unix_pair()};
    std::array<Watch, 2> watches;
    int calls = 0;
    for (std::size_t i = 0; i < 2; ++i) {
        put(pairs[i].theirs, "x");
        watches[i] =
            loop.watch(pairs[i].ours.get(), Interest::read, mode.trigger, [&, i](Readiness) {
                ++calls;
                watches[1 - i].pause();
                take(pairs[i].ours);
            });
    }
    const auto sets = calls_made("epoll_create1");
    turns(loop, 3);
    CHECK_EQ(calls, 1);
    CHECK_EQ(calls_made("epoll_create1"), sets); // the event left over is no ghost
    watches[watches[0].paused() ? 0 : 1].resume();
    turns(loop, 1);
    CHECK_EQ(calls, 2);
}

CONTRACT_CASE("D6 … or asks for something else: what it no longer asks for is not told",
              everywhere) {
    EventLoop loop{mode.backend};
    const std::array<Ends, 2> pairs{unix_pair(), unix_pair()};
    std::array<Watch, 2> watches;
    std::array<int, 2> calls{};
    for (const Ends& pair : pairs) {
        fill(pair.ours);
        put(pair.theirs, "x");
    }
    for (std::size_t i = 0; i < 2; ++i)
        watches[i] =
            loop.watch(pairs[i].ours.get(), Interest::read, mode.trigger, [&, i](Readiness) {
                ++calls[i];
                take(pairs[i].ours);
                watches[1 - i].set_interest(Interest::write);
            });
    turns(loop, 3);
    CHECK_EQ(calls[0] + calls[1], 1);
}

CONTRACT_CASE("D7 stop in a callback: the turn is finished, and run can be called again",
              everywhere) {
    EventLoop loop{mode.backend};
    const std::array<Ends, 3> pairs{unix_pair(), unix_pair(), unix_pair()};
    std::vector<Watch> watches;
    int calls = 0;
    int tasks = 0;
    for (const Ends& pair : pairs) {
        put(pair.theirs, "x");
        watches.push_back(loop.watch(pair.ours.get(), Interest::read, mode.trigger, [&](Readiness) {
            ++calls;
            take(pair.ours);
            loop.post([&] { ++tasks; });
            loop.stop();
        }));
    }
    loop.run();
    CHECK_EQ(calls, 3);
    CHECK_EQ(tasks, 3);
    for (Watch& watch : watches) watch.rearm();
    put(pairs[1].theirs, "y");
    loop.run();
    CHECK_EQ(calls, 4);
}

CONTRACT_CASE("D7 stop in a callback, and nothing else: no turn follows", everywhere) {
    EventLoop loop{mode.backend};
    const Ends ends = unix_pair();
    put(ends.theirs, "x");
    const Watch watch =
        loop.watch(ends.ours.get(), Interest::read, mode.trigger, [&](Readiness) { loop.stop(); });
    const std::uint64_t before = calls_made("wait");
    loop.run();
    CHECK_EQ(calls_made("wait") - before, 1 + mode.calls_to_leave());
}

CONTRACT_CASE("what a callback posts runs in the same turn, as what a timer posts", everywhere) {
    EventLoop loop{mode.backend};
    const Ends ends = unix_pair();
    int ran = 0;
    const Watch watch = loop.watch(ends.ours.get(), Interest::read, mode.trigger, [&](Readiness) {
        take(ends.ours);
        loop.post([&] { ++ran; });
    });
    put(ends.theirs, "x");
    CHECK_EQ(loop.run_once(), 2);
    CHECK_EQ(ran, 1);
    const Timer timer = loop.run_after(Clock::duration::zero(), [&] { loop.post([&] { ++ran; }); });
    loop.run_once();
    CHECK_EQ(ran, 2);
}

CONTRACT_CASE("D9 P2 a loop run in its own callback throws, and goes on unharmed", everywhere) {
    EventLoop loop{mode.backend};
    const Ends ends = unix_pair();
    put(ends.theirs, "x");
    int refused = 0;
    const auto nest = [&] {
        CHECK_THROWS_AS(loop.run(), std::logic_error);
        CHECK_THROWS_AS(loop.run_once(Timeout::zero()), std::logic_error);
        ++refused;
    };
    const Watch watch = loop.watch(ends.ours.get(), Interest::read, mode.trigger, [&](Readiness) {
        nest();
        take(ends.ours);
    });
    const Timer timer = loop.run_after(Clock::duration::zero(), nest);
    loop.post(nest);
    turns(loop, 2);
    CHECK_EQ(refused, 3);
}

CONTRACT_CASE("D11 a callback replaces another watch of the batch: the new one waits a turn",
              everywhere) {
    EventLoop loop{mode.backend};
    const std::array<Ends, 2> pairs{unix_pair(), unix_pair()};
    std::array<Watch, 2> watches;
    int old_calls = 0;
    int new_calls = 0;
    for (std::size_t i = 0; i < 2; ++i) {
        put(pairs[i].theirs, "x");
        watches[i] = loop.watch(pairs[i].ours.get(), Interest::read, mode.trigger, [&](Readiness) {
            ++old_calls;
            for (Watch& watch : watches) watch.stop();
            for (std::size_t k = 0; k < 2; ++k)
                watches[k] = loop.watch(pairs[k].ours.get(), Interest::read, mode.trigger,
                                        [&](Readiness) { ++new_calls; });
        });
    }
    turns(loop, 1);
    CHECK_EQ(old_calls, 1);
    CHECK_EQ(new_calls, 0);
    turns(loop, 1);
    CHECK_EQ(old_calls, 1);
    CHECK_EQ(new_calls, 2);
}

CONTRACT_CASE("D12 a task that posts itself for ever waits a turn each time", everywhere) {
    EventLoop loop{mode.backend};
    const Ends ends = unix_pair();
    int tasks = 0;
    int served = 0;
    struct Again {
        EventLoop& loop;
        int& tasks;
        void operator()() const {
            ++tasks;
            loop.post(Again{*this});
        }
    };
    loop.post(Again{loop, tasks});
    Watch watch = loop.watch(ends.ours.get(), Interest::read, mode.trigger, [&](Readiness) {
        take(ends.ours);
        ++served;
        watch.rearm();
    });
    const Timer timer = loop.run_every(1ns, [&] { ++served; });
    for (int turn = 1; turn <= 5; ++turn) {
        put(ends.theirs, "x");
        turns(loop, 1);
        CHECK_EQ(tasks, turn);
        CHECK_EQ(served, 2 * turn);
    }
}

CONTRACT_CASE("D13 bug-A3 a duplicate outlives watch and descriptor: nothing is reported",
              everywhere) {
    const FakeClock clock;
    EventLoop loop{mode.backend};
    Ends ends = unix_pair();
    const Fd copy = duplicate(ends.ours);
    int calls = 0;
    Watch watch =
        loop.watch(ends.ours.get(), Interest::read, mode.trigger, [&](Readiness) { ++calls; });
    watch.stop();
    ends.ours.reset();
    put(ends.theirs, "x");
    const WakeUpBudget budget{loop, 1};
    run_for(loop, 1h);
    CHECK_EQ(calls, 0);
}

CONTRACT_CASE("L25 readiness that turns out to be none is borne, and costs one call", everywhere) {
    const FakeClock clock;
    EventLoop loop{mode.backend};
    const Ends ends = unix_pair();
    const std::array<Fd, 2> readers{duplicate(ends.ours), duplicate(ends.ours)};
    std::array<Watch, 2> watches;
    int empty = 0;
    std::string got;
    for (std::size_t i = 0; i < 2; ++i)
        watches[i] = loop.watch(readers[i].get(), Interest::read, mode.trigger, [&, i](Readiness) {
            const std::string text = take(readers[i]);
            empty += text.empty() ? 1 : 0;
            got += text;
            watches[i].rearm();
        });
    for (const char* text : {"a", "b"}) {
        put(ends.theirs, text);
        // rearm has an edge watch report once more, which is one more turn.
        const WakeUpBudget budget{loop, 3};
        run_for(loop, 1h);
    }
    CHECK_EQ(got, "ab");
    CHECK_EQ(empty, 2);
}

CONTRACT_CASE("run_once says how many callbacks it made, and counts nothing else", everywhere) {
    EventLoop loop{mode.backend};
    const std::array<Ends, 2> pairs{unix_pair(), unix_pair()};
    std::array<Watch, 2> watches;
    for (std::size_t i = 0; i < 2; ++i) {
        put(pairs[i].theirs, "x");
        watches[i] = loop.watch(pairs[i].ours.get(), Interest::read, mode.trigger,
                                [&, i](Readiness) { watches[1 - i].stop(); });
    }
    CHECK_EQ(loop.run_once(Timeout::zero()), 1);
    for (Watch& watch : watches) watch.stop();
    loop.wake();
    CHECK_EQ(loop.run_once(), 0);
    loop.post([] {});
    const Timer timer = loop.run_after(Clock::duration::zero(), [] {});
    CHECK_EQ(loop.run_once(), 2);
}
