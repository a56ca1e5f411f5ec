// When the kernel is told that a watch asks for something else: at level trigger not before the
// loop waits again, so that what comes to nothing costs nothing; at the others at once.

#include "support/calls.hpp"
#include "support/contract.hpp"
#include "support/sockets.hpp"
#include "support/wake_up_budget.hpp"

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <poll.h>
#include <pollux/event_loop.hpp>
#include <stdexcept>
#include <sys/wait.h>
#include <unistd.h>

using namespace pollux;
using namespace pollux_test;

namespace pollux_test {
constexpr bool told_of_last(Mode mode) { return on_epoll(mode) && on_level(mode); }
constexpr bool told_of_each(Mode mode) { return on_epoll(mode) && !on_level(mode); }
} // namespace pollux_test

namespace {

/// A watch for reading with something to read, and what its callback does in the first turn.
struct Changing {
    template <class Change>
    Changing(const Mode& mode, Change change)
        : ends{unix_pair()},
          loop{mode.backend},
          watch{loop.watch(ends.ours.get(), Interest::read, mode.trigger,
                           [this, change](Readiness ready) {
                               told = ready;
                               if (++visits == 1) change(*this);
                           })} {
        put(ends.theirs, "x");
    }
    Ends ends;
    EventLoop loop;
    int visits = 0;
    Readiness told{};
    Watch watch;
};

CallOutcome refuse_change(const CallPoint& call, int error) {
    return call.name == "epoll_ctl" ? CallOutcome{.error = error} : CallOutcome{};
}

} // namespace

CONTRACT_CASE("changes that come to nothing before the next wait cost no call", on_level) {
    Changing one{mode, [](Changing& self) {
                     self.watch.set_interest(Interest::read_write);
                     self.watch.set_interest(Interest::write);
                     self.watch.set_interest(Interest::read);
                     self.watch.rearm();
                 }};
    const Calls calls;
    turns(one.loop, 2);
    CHECK_EQ(one.visits, 2);
    CHECK_EQ(one.told, Readiness::readable);
    CHECK_EQ(calls.of("epoll_ctl"), 0);
}

CONTRACT_CASE("several changes before the next wait are told as one", on_level) {
    Changing one{mode, [](Changing& self) {
                     self.watch.set_interest(Interest::read_write);
                     self.watch.set_interest(Interest::read);
                     self.watch.set_interest(Interest::write);
                 }};
    const Calls calls;
    turns(one.loop, 3);
    CHECK_EQ(one.visits, 3);
    CHECK_EQ(one.told, Readiness::writable);
    CHECK_EQ(calls.of("epoll_ctl"), on_epoll(mode) ? 1 : 0);
}

CONTRACT_CASE("a change outside of a turn is told at once", on_level) {
    Changing one{mode, [](Changing&) {}};
    const Calls calls;
    one.watch.set_interest(Interest::write);
    CHECK_EQ(calls.of("epoll_ctl"), on_epoll(mode) ? 1 : 0);
    turns(one.loop, 1);
    CHECK_EQ(one.told, Readiness::writable);
}

// Both arm the registration, or have it report once more what is ready.
CONTRACT_CASE("edge and one-shot: each change is told, the same again too", told_of_each) {
    Changing one{mode, [](Changing& self) {
                     self.watch.set_interest(Interest::read_write);
                     self.watch.set_interest(Interest::read);
                     self.watch.rearm();
                 }};
    const Calls calls;
    turns(one.loop, 1);
    CHECK_EQ(calls.of("epoll_ctl"), 3);
    turns(one.loop, 1);
    CHECK_EQ(one.visits, 2);
}

CONTRACT_CASE("a turn leaves nothing untold: others may wait for the loop", on_epoll) {
    Changing one{mode, [](Changing& self) {
                     take(self.ends.ours);
                     self.watch.set_interest(Interest::write);
                 }};
    turns(one.loop, 1);
    pollfd driver{.fd = one.loop.descriptor(), .events = POLLIN, .revents = 0};
    CHECK_EQ(::poll(&driver, 1, 0), 1);
}

CONTRACT_CASE("a change is told although an exception ended the turn", on_level) {
    Changing one{mode, [](Changing& self) {
                     self.watch.set_interest(Interest::write);
                     throw std::runtime_error{"after the change"};
                 }};
    const Calls calls;
    CHECK_THROWS_AS(one.loop.run_once(), std::runtime_error);
    CHECK_EQ(calls.of("epoll_ctl"), on_epoll(mode) ? 1 : 0);
    turns(one.loop, 1);
    CHECK_EQ(one.told, Readiness::writable);
}

CONTRACT_CASE("pause, resume and the end of a watch take effect at once, a change untold or not",
              on_level) {
    std::array<std::size_t, 3> calls_made{};
    Changing one{mode, [&](Changing& self) {
                     const Calls calls;
                     self.watch.set_interest(Interest::write);
                     self.watch.pause();
                     calls_made[0] = calls.of("epoll_ctl");
                     self.watch.resume();
                     calls_made[1] = calls.of("epoll_ctl");
                     self.watch.set_interest(Interest::read);
                     self.watch.stop();
                     calls_made[2] = calls.of("epoll_ctl");
                     self.ends.ours.reset();
                 }};
    const Ends other = unix_pair();
    turns(one.loop, 1);
    if (on_epoll(mode)) CHECK_EQ(calls_made, std::array<std::size_t, 3>{1, 2, 3});
    // Who gets its place is not taken for it.
    int visits = 0;
    const Calls calls;
    const Watch next = one.loop.watch(other.ours.get(), Interest::read, mode.trigger,
                                      [&](Readiness) { ++visits; });
    turns(one.loop, 1);
    CHECK_EQ(visits, 0);
    CHECK_EQ(calls.of("epoll_ctl"), on_epoll(mode) ? 1 : 0);
}

CONTRACT_CASE("a watch that is paused with a change untold stays silent, and resumes with it",
              on_level) {
    Changing one{mode, [](Changing& self) {
                     self.watch.set_interest(Interest::write);
                     self.watch.pause();
                 }};
    const Calls calls;
    CHECK_EQ(turns(one.loop, 3), 1);
    CHECK_EQ(calls.of("epoll_ctl"), on_epoll(mode) ? 1 : 0);
    CHECK_EQ(one.loop.time_to_wait(), forever);
    one.watch.resume();
    turns(one.loop, 1);
    CHECK_EQ(one.told, Readiness::writable);
}

CONTRACT_CASE("what resume tells is known: the change after it is told, back to the first too",
              on_level) {
    Changing one{mode, [](Changing& self) {
                     self.watch.set_interest(Interest::write);
                     self.watch.pause();
                     self.watch.resume();
                     self.watch.set_interest(Interest::read);
                 }};
    turns(one.loop, 2);
    CHECK_EQ(one.visits, 2);
    CHECK_EQ(one.told, Readiness::readable);
}

CONTRACT_CASE("who gets number and place of a watch with an untold change gets nothing of that",
              on_level) {
    const Ends other = unix_pair();
    Changing one{mode, [&](Changing& self) {
                     const int number = self.watch.fd();
                     self.watch.set_interest(Interest::write);
                     self.watch.stop();
                     self.ends.ours.reset();
                     self.ends.ours.reset(::fcntl(other.ours.get(), F_DUPFD_CLOEXEC, number));
                     REQUIRE_EQ(self.ends.ours.get(), number);
                     self.loop.post([&self, &mode] { // its place is free by then
                         self.watch = self.loop.watch(self.ends.ours.get(), Interest::read,
                                                      mode.trigger, [&self](Readiness ready) {
                                                          self.told = ready;
                                                          ++self.visits;
                                                      });
                     });
                 }};
    const Calls calls;
    turns(one.loop, 3);
    CHECK_EQ(one.visits, 1);
    CHECK_EQ(calls.of("epoll_ctl"), on_epoll(mode) ? 2 : 0);
    put(other.theirs, "y");
    turns(one.loop, 1);
    CHECK_EQ(one.told, Readiness::readable);
    CHECK_EQ(one.visits, 2);
}

CONTRACT_CASE("the kernel refuses a change: the watch has an error, and it is told again",
              told_of_last) {
    Changing one{mode, [](Changing& self) { self.watch.set_interest(Interest::write); }};
    int refusals = 2;
    const Calls calls{[&](const CallPoint& call) {
        return call.name == "epoll_ctl" && refusals-- > 0 ? refuse_change(call, ENOMEM)
                                                          : CallOutcome{};
    }};
    turns(one.loop, 1);
    CHECK_EQ(one.loop.time_to_wait(), Timeout::zero());
    turns(one.loop, 1);
    CHECK_EQ(one.told, Readiness::writable | Readiness::error);
    CHECK_EQ(one.visits, 2);
    turns(one.loop, 2);
    CHECK_EQ(one.told, Readiness::writable);
    CHECK_EQ(calls.of("epoll_ctl"), 3);
}

CONTRACT_CASE("a change of what was closed meanwhile: one error, and nobody else suffers",
              told_of_last) {
    for (const int reason : {EBADF, ENOENT}) {
        Changing one{mode, [](Changing& self) { self.watch.set_interest(Interest::write); }};
        const Calls calls{[&](const CallPoint& call) { return refuse_change(call, reason); }};
        turns(one.loop, 2);
        CHECK_EQ(one.told, Readiness::writable | Readiness::error);
        take(one.ends.ours);
        CHECK_EQ(turns(one.loop, 3), 0);
        CHECK_EQ(calls.of("epoll_ctl"), 1);
        CHECK_EQ(one.loop.time_to_wait(), forever);
    }
}

CONTRACT_CASE("W14 fork with a change untold: each process goes on from it", on_level) {
    pid_t child = -1;
    Changing one{mode, [&](Changing& self) {
                     self.watch.set_interest(Interest::write);
                     child = ::fork();
                     if (child != 0) return;
                     self.loop.after_fork();
                     self.watch.set_interest(Interest::read);
                 }};
    turns(one.loop, 2);
    if (child == 0) ::_exit(one.visits == 2 && one.told == Readiness::readable ? 0 : 1);
    int status = -1;
    ::waitpid(child, &status, 0);
    CHECK_EQ(status, 0);
    CHECK_EQ(one.told, Readiness::writable);
}

CONTRACT_CASE("W13 a child that leaves the turn tells the parent's kernel nothing", on_level) {
    pid_t child = -1;
    Changing one{mode, [&](Changing& self) {
                     self.watch.set_interest(Interest::write);
                     child = ::fork();
                     if (child == 0) throw std::runtime_error{"out of the turn"};
                 }};
    const Calls calls;
    try {
        one.loop.run_once();
    } catch (const std::runtime_error&) {
    }
    if (child == 0) ::_exit(static_cast<int>(calls.of("epoll_ctl")));
    int status = -1;
    ::waitpid(child, &status, 0);
    CHECK_EQ(status, 0);
    turns(one.loop, 1);
    CHECK_EQ(one.told, Readiness::writable);
}
