// P3, D10 and D14 of the catalogue: broken promises. A debug build names the descriptor and the
// place where it was watched, and ends; a release build neither crashes nor delivers to the wrong
// one, and does not spin. Each case runs in a process of its own.

#include "support/child.hpp"
#include "support/contract.hpp"
#include "support/sockets.hpp"
#include "support/wake_up_budget.hpp"

#include <csignal>
#include <fcntl.h>
#include <functional>
#include <memory>
#include <pollux/event_loop.hpp>
#include <source_location>
#include <string>
#include <utility>

using namespace pollux;
using namespace pollux_test;
using namespace std::chrono_literals;

namespace {

constexpr std::source_location early_at = std::source_location::current();
constexpr std::source_location other_at = std::source_location::current();
constexpr int early_fd = 200;
constexpr int other_fd = 201;

// The same open file at that number, which is free.
Fd moved_to(int number, const Fd& from) {
    Fd moved{::fcntl(from.get(), F_DUPFD_CLOEXEC, number)};
    REQUIRE_EQ(moved.get(), number);
    return moved;
}

// Two watches of two pairs, one of which is closed too early.
struct Two {
    explicit Two(const Mode& in) : mode{in}, loop{in.backend} {
        ends.ours = moved_to(early_fd, ends.ours);
        other_ends.ours = moved_to(other_fd, other_ends.ours);
        early = loop.watch(
            ends.ours.get(), Interest::read, mode.trigger, [this](Readiness) { ++early_calls; },
            early_at);
        other = loop.watch(
            other_ends.ours.get(), Interest::read, mode.trigger,
            [this](Readiness) {
                take(other_ends.ours);
                ++other_calls;
                other.rearm();
            },
            other_at);
    }

    // The other one goes on serving; where the kernel does the same for the lost one it costs one
    // wait more, and the rest of a stop another.
    void others_are_served(const Expect& expect, int most_waits = 4) {
        for (int round = 0; round < 2; ++round) {
            put(other_ends.theirs, "x");
            const int before = other_calls;
            int waits = 0;
            const CallHook hook{[&](const CallPoint& call) {
                if (is_wait(call.name) && ++waits > most_waits) loop.stop();
                return CallOutcome{};
            }};
            run_for(loop, 1h);
            expect(other_calls == before + 1, "the other one is served");
            expect(waits <= most_waits,
                   "the loop sleeps, and does not wait " + std::to_string(waits) + " times");
        }
    }

    const Mode& mode;
    const FakeClock clock;
    EventLoop loop;
    Ends ends = unix_pair();
    Ends other_ends = unix_pair();
    int early_calls = 0;
    int other_calls = 0;
    Watch early;
    Watch other;
};

// What a debug build says and a release build survives.
void is_reported(const Mode& mode, const std::function<void(Two&, const Expect&)>& body,
                 int fd = early_fd, const std::source_location& where = early_at) {
    const ChildEnd end = in_child([&](const Expect& expect) {
        Two two{mode};
        body(two, expect);
    });
    if (!is_debug) {
        CHECK_EQ(end.said, "");
        CHECK_EQ(end.exit_code, 0);
        CHECK_EQ(end.signal, 0);
        return;
    }
    CHECK_EQ(end.signal, SIGABRT);
    const std::string descriptor = "descriptor " + std::to_string(fd) + " was closed";
    const std::string place = std::string{where.file_name()} + ":" + std::to_string(where.line());
    CHECK_MESSAGE(end.said.find(descriptor) != std::string::npos, end.said);
    CHECK_MESSAGE(end.said.find(place) != std::string::npos, end.said);
}

} // namespace

CONTRACT_CASE("D14 closed before its watch is stopped", everywhere) {
    is_reported(mode, [&](Two& two, const Expect& expect) {
        two.ends.ours.reset();
        two.early.stop();
        two.others_are_served(expect);
        expect(two.early_calls == 0, "the closed one is not called");
    });
}

CONTRACT_CASE("D14 closed, waited for, then stopped: reported once, not for ever", everywhere) {
    is_reported(mode, [&](Two& two, const Expect& expect) {
        two.ends.ours.reset();
        two.others_are_served(expect);
        expect(two.early_calls <= 1, "the closed one is called once at most");
        two.early.stop();
        two.others_are_served(expect);
    });
}

CONTRACT_CASE("D14 bug-A5 closed, and the number is watched again", on_epoll) {
    is_reported(mode, [&](Two& two, const Expect& expect) {
        two.ends.ours.reset();
        Ends fresh = unix_pair();
        fresh.ours = moved_to(early_fd, fresh.ours);
        int fresh_calls = 0;
        const Watch watch = two.loop.watch(fresh.ours.get(), Interest::read, mode.trigger,
                                           [&](Readiness) { ++fresh_calls; });
        put(fresh.theirs, "x");
        turns(two.loop, 1);
        expect(fresh_calls == 1, "the new one is called");
        two.early.stop();
        put(fresh.theirs, "y");
        turns(two.loop, 1);
        expect(mode.is(Trigger::one_shot) || fresh_calls == 2, "the old one's end leaves it alone");
        expect(two.early_calls == 0, "the old one is not called");
    });
}

CONTRACT_CASE("D14 bug-A5 … which select and poll refuse, for they follow the number", everywhere) {
    if (on_epoll(mode)) return;
    holds_in_child([&](const Expect& expect) {
        Ends fresh = unix_pair();
        Two two{mode};
        two.ends.ours.reset();
        fresh.ours = moved_to(early_fd, fresh.ours);
        try {
            const Watch watch =
                two.loop.watch(fresh.ours.get(), Interest::read, mode.trigger, [](Readiness) {});
            expect(false, "refused");
        } catch (const std::system_error& error) {
            expect(error.code().value() == EEXIST, "EEXIST");
        }
    });
}

CONTRACT_CASE("D14 bug-A3 closed while a duplicate lives, then stopped: the ghost is driven out",
              on_epoll) {
    is_reported(mode, [&](Two& two, const Expect& expect) {
        const Fd copy{::fcntl(two.ends.ours.get(), F_DUPFD_CLOEXEC, 0)};
        two.ends.ours.reset();
        two.early.stop();
        put(two.ends.theirs, "x");
        two.others_are_served(expect, 5);
        expect(two.early_calls == 0, "the closed one is not called");
        two.loop.post([&] { two.loop.stop(); });
        two.loop.run();
    });
}

CONTRACT_CASE("D14 bug-A4 closed while a duplicate lives, and the number is watched again",
              on_epoll) {
    is_reported(mode, [&](Two& two, const Expect& expect) {
        const Fd copy{::fcntl(early_fd, F_DUPFD_CLOEXEC, 0)};
        two.ends.ours.reset();
        Ends fresh = unix_pair();
        fresh.ours = moved_to(early_fd, fresh.ours);
        int fresh_calls = 0;
        Watch watch = two.loop.watch(early_fd, Interest::read, mode.trigger, [&](Readiness) {
            take(fresh.ours);
            ++fresh_calls;
        });
        put(two.ends.theirs, "x"); // the kernel reports the old one
        two.others_are_served(expect, 5);
        expect(two.early_calls == 0, "the old one is not called");
        expect(fresh_calls == 0, "the new one is not called for the old one's data");
        const auto refused = [&](auto change) {
            try {
                change();
                return false;
            } catch (const std::system_error&) {
                return true;
            }
        };
        expect(refused([&] { two.early.set_interest(Interest::write); }), "changing the old one");
        expect(refused([&] { two.early.rearm(); }), "arming the old one");
        two.early.pause();
        expect(refused([&] { two.early.resume(); }), "resuming the old one");
        put(fresh.theirs, "y");
        turns(two.loop, 1);
        expect(fresh_calls == 1, "the new one is called for its own data");
        two.early.stop();
        watch.rearm();
        put(fresh.theirs, "z");
        turns(two.loop, 1);
        expect(fresh_calls == 2, "the old one's end leaves the new one alone");
        expect(two.early_calls == 0, "the old one is not called");
    });
}

CONTRACT_CASE("D14 driving out a ghost drops who is closed, and frees the number", on_epoll) {
    is_reported(
        mode,
        [&](Two& two, const Expect& expect) {
            const Fd copy{::fcntl(two.other_ends.ours.get(), F_DUPFD_CLOEXEC, 0)};
            two.ends.ours.reset(); // the kernel forgets it, the loop does not know
            two.other_ends.ours.reset();
            two.other.stop(); // a ghost
            put(two.other_ends.theirs, "x");
            turns(two.loop, 3);
            Ends fresh = unix_pair();
            fresh.ours = moved_to(early_fd, fresh.ours);
            int fresh_calls = 0;
            const Watch watch = two.loop.watch(early_fd, Interest::read, mode.trigger,
                                               [&](Readiness) { ++fresh_calls; });
            put(fresh.theirs, "x");
            turns(two.loop, 1);
            expect(fresh_calls == 1, "the new one is called");
            two.early.stop();
        },
        other_fd, other_at);
}

CONTRACT_CASE("D14 a ghost in quiet turns, and in observed ones, is driven out by the next",
              on_epoll) {
    for (const bool is_observed : {false, true})
        is_reported(mode, [&](Two& two, const Expect& expect) {
            LoopObserver observer;
            if (is_observed) two.loop.observe(&observer);
            const Fd copy{::fcntl(two.ends.ours.get(), F_DUPFD_CLOEXEC, 0)};
            two.ends.ours.reset();
            two.early.stop();
            turns(two.loop, 2); // what was fetched before the end of its watch is no ghost
            put(two.ends.theirs, "x");
            turns(two.loop, 2);
            const Clock::time_point start = Clock::now();
            two.loop.run_once(1s);
            expect(Clock::now() - start == 1s, "the loop sleeps");
        });
}

CONTRACT_CASE("D14 a ghost while the kernel refuses a fresh set: nobody is lost", on_epoll) {
    for (const std::string_view refused : {"epoll_create1", "epoll_ctl"}) {
        is_reported(mode, [&](Two& two, const Expect& expect) {
            const Fd copy{::fcntl(two.ends.ours.get(), F_DUPFD_CLOEXEC, 0)};
            two.ends.ours.reset();
            two.early.stop();
            put(two.ends.theirs, "x");
            {
                const CallHook hook{[&](const CallPoint& call) {
                    return call.name == refused ? CallOutcome{.error = ENOMEM} : CallOutcome{};
                }};
                turns(two.loop, 3);
                expect(two.other_calls == 0, "nobody is called");
            }
            two.others_are_served(expect, 5);
            two.loop.wake();
            two.loop.run_once();
        });
    }
}

CONTRACT_CASE("D10 P2 destroying a loop in its own callback ends the program", everywhere) {
    const auto ends_it = [&](auto prepare) {
        const ChildEnd end = in_child([&](const Expect& expect) {
            auto loop = std::make_unique<EventLoop>(mode.backend);
            prepare(*loop, [&] { loop.reset(); });
            expect(false, "ended");
        });
        CHECK_EQ(end.signal, SIGABRT);
        CHECK_EQ(end.said.find("not so"), std::string::npos);
    };
    ends_it([&](EventLoop& loop, auto destroy) {
        const Ends ends = unix_pair();
        put(ends.theirs, "x");
        const Watch watch = loop.watch(ends.ours.get(), Interest::read, mode.trigger,
                                       [destroy](Readiness) { destroy(); });
        loop.run_once();
    });
    ends_it([&](EventLoop& loop, auto destroy) {
        const Timer timer = loop.run_after(Clock::duration::zero(), destroy);
        loop.run_once();
    });
    ends_it([&](EventLoop& loop, auto destroy) {
        loop.post(destroy);
        loop.run_once();
    });
}

CONTRACT_CASE("P2 a callback may destroy another loop, and drive one", everywhere) {
    EventLoop loop{mode.backend};
    auto other = std::make_unique<EventLoop>(mode.backend);
    const Ends ends = unix_pair();
    put(ends.theirs, "x");
    int driven = 0;
    other->post([&] { ++driven; });
    const Watch watch = loop.watch(ends.ours.get(), Interest::read, mode.trigger, [&](Readiness) {
        take(ends.ours);
        other->run_once();
        CHECK_EQ(driven, 1);
        other.reset();
    });
    turns(loop, 2);
    CHECK_EQ(other, nullptr);
}
