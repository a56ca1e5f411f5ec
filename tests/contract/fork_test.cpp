// W13 and W14 (P13) of the catalogue: a loop on both sides of fork(2).

#include "support/child.hpp"
#include "support/contract.hpp"
#include "support/observing.hpp"
#include "support/sockets.hpp"
#include "support/wake_up_budget.hpp"

#include <algorithm>
#include <array>
#include <csignal>
#include <fcntl.h>
#include <memory>
#include <optional>
#include <pollux/event_loop.hpp>
#include <stdexcept>
#include <string>
#include <sys/mman.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

using namespace pollux;
using namespace pollux_test;
using namespace std::chrono_literals;

namespace {

bool is_logic_error(const std::function<void()>& use) {
    try {
        use();
        return false;
    } catch (const std::logic_error&) {
        return true;
    }
}

} // namespace

CONTRACT_CASE("W13 P13 a child that did not call after_fork: every use throws", everywhere) {
    EventLoop loop{mode.backend};
    const Ends ends = unix_pair();
    const Ends others = unix_pair();
    Watch watch = loop.watch(ends.ours.get(), Interest::read, mode.trigger, [](Readiness) {});
    holds_in_child([&](const Expect& expect) {
        expect(is_logic_error([&] { loop.run(); }), "run");
        expect(is_logic_error([&] { loop.run_once(Timeout::zero()); }), "run_once");
        expect(is_logic_error([&] {
                   const Watch more = loop.watch(others.ours.get(), Interest::read, mode.trigger,
                                                 [](Readiness) {});
               }),
               "watch");
        expect(is_logic_error([&] { loop.post([] {}); }), "post");
        expect(is_logic_error([&] { const Timer timer = loop.run_after(1s, [] {}); }), "run_after");
        expect(is_logic_error([&] { watch.set_interest(Interest::write); }), "set_interest");
        expect(is_logic_error([&] { watch.pause(); }), "pause");
        expect(is_logic_error([&] { watch.resume(); }), "resume");
        expect(is_logic_error([&] { watch.rearm(); }), "rearm");
        expect(is_logic_error([&] { watch.again(); }), "again");
    });
}

CONTRACT_CASE("W13 bug-A7 what a child does never reaches the parent", everywhere) {
    const FakeClock clock;
    auto loop = std::make_unique<EventLoop>(mode.backend);
    const std::array<Ends, 2> pairs{unix_pair(), unix_pair()};
    std::array<Watch, 2> watches;
    std::array<int, 2> calls{};
    for (std::size_t i = 0; i < 2; ++i)
        watches[i] =
            loop->watch(pairs[i].ours.get(), Interest::read, mode.trigger, [&, i](Readiness) {
                take(pairs[i].ours);
                ++calls[i];
            });
    std::optional<Timer> timer{loop->run_after(2h, [] {})};
    holds_in_child([&](const Expect&) {
        loop->wake();
        loop->stop();
        timer.reset();
        watches[0].stop(); // one before the loop, one after it
        loop.reset();
        watches[1].stop();
    });
    {
        const WakeUpBudget budget{*loop, 1}; // the child's wake and stop are not heard of
        run_for(*loop, 1h);
    }
    for (const Ends& pair : pairs) put(pair.theirs, "x");
    turns(*loop, 1);
    CHECK_EQ(calls, std::array{1, 1});
}

CONTRACT_CASE("W14 P13 bug-A8 after_fork: everything lives on, in a set of the child's own",
              everywhere) {
    FakeClock clock;
    EventLoop loop{mode.backend};
    const Ends ends = unix_pair();
    const Ends idle = unix_pair();
    const Fd file{::memfd_create("regular file", MFD_CLOEXEC)};
    int read = 0;
    int resumed = 0;
    int of_file = 0;
    int timed = 0;
    int tasks = 0;
    Watch watch = loop.watch(ends.ours.get(), Interest::read, mode.trigger, [&](Readiness) {
        take(ends.ours);
        ++read;
        watch.rearm();
    });
    Watch paused =
        loop.watch(idle.ours.get(), Interest::write, mode.trigger, [&](Readiness) { ++resumed; });
    paused.pause();
    Watch always =
        loop.watch(file.get(), Interest::read, mode.trigger, [&](Readiness) { ++of_file; });
    const Timer timer = loop.run_every(1s, [&] { ++timed; });
    turns(loop, 2);
    const int before = of_file;
    holds_in_child([&](const Expect& expect) {
        loop.after_fork();
        turns(loop, 2);
        expect(resumed == 0, "what was paused is paused");
        expect(of_file > before, "a file is ready, one-shot and edge again too");
        expect(read == 0, "what is idle is idle");
        put(ends.theirs, "x");
        turns(loop, 1);
        expect(read == 1, "a watch is called");
        paused.resume();
        turns(loop, 1);
        expect(resumed == 1, "a paused watch resumes");
        clock.advance(1s);
        turns(loop, 1);
        expect(timed == 1, "a timer runs");
        loop.post([&] { ++tasks; });
        turns(loop, 1);
        expect(tasks == 1, "a task runs");
        loop.wake();
        loop.run_once();
        loop.stop();
        loop.run();
        watch.stop();
        always.stop();
        expect(turns(loop, 2) <= 2, "nothing but the resumed watch is left");
    });
    CHECK_EQ(read, 0);
    put(ends.theirs, "y");
    turns(loop, 1);
    CHECK_EQ(read, 1);
    CHECK_EQ(resumed, 0);
}

CONTRACT_CASE("W14 a child closes what it does not need before after_fork: that is let go",
              everywhere) {
    Ends ends = unix_pair(); // its number goes to a descriptor of the fresh set
    EventLoop loop{mode.backend};
    constexpr int number = 200;
    Fd high{::fcntl(ends.theirs.get(), F_DUPFD_CLOEXEC, number)};
    const Ends kept = unix_pair();
    int calls = 0;
    Watch closed =
        loop.watch(ends.ours.get(), Interest::read, mode.trigger, [&](Readiness) { ++calls; });
    Watch also_closed =
        loop.watch(high.get(), Interest::read, mode.trigger, [&](Readiness) { ++calls; });
    const Watch watch =
        loop.watch(kept.ours.get(), Interest::read, mode.trigger, [&](Readiness) { ++calls; });
    holds_in_child([&](const Expect& expect) {
        ends.ours.reset();
        ends.theirs.reset();
        high.reset();
        loop.after_fork();
        put(kept.theirs, "x");
        turns(loop, 1);
        expect(calls == 1, "the other one is called");
        const Fd fresh{::fcntl(kept.theirs.get(), F_DUPFD_CLOEXEC, number)};
        expect(fresh.get() == number, "the number is given again");
        const Watch watched =
            loop.watch(fresh.get(), Interest::write, mode.trigger, [&](Readiness) { calls += 10; });
        turns(loop, 1);
        expect(calls >= 11, "and can be watched");
        closed.stop();
        also_closed.stop();
    });
}

CONTRACT_CASE("W14 a grandchild needs its own after_fork, and gets its own set", everywhere) {
    EventLoop loop{mode.backend};
    const Ends ends = unix_pair();
    int calls = 0;
    Watch watch = loop.watch(ends.ours.get(), Interest::read, mode.trigger, [&](Readiness) {
        take(ends.ours);
        ++calls;
        watch.rearm();
    });
    holds_in_child([&](const Expect& expect) {
        loop.after_fork();
        const ChildEnd end = in_child([&](const Expect& inner) {
            inner(is_logic_error([&] { loop.run_once(Timeout::zero()); }), "run_once throws");
            loop.after_fork();
            put(ends.theirs, "x");
            turns(loop, 1);
            inner(calls == 1, "a watch is called in the grandchild");
            watch.stop();
        });
        expect(end.exit_code == 0, end.said);
        put(ends.theirs, "y");
        turns(loop, 1);
        expect(calls == 1, "and in the child");
    });
    put(ends.theirs, "z");
    turns(loop, 1);
    CHECK_EQ(calls, 1);
}

CONTRACT_CASE("W14 fork in a callback: the child goes on in the middle of its turn", everywhere) {
    EventLoop loop{mode.backend};
    const std::array<Ends, 2> pairs{unix_pair(), unix_pair()};
    std::array<Watch, 2> watches;
    bool is_child = false;
    std::string order;
    const auto child_turn = [&](const Expect& expect) {
        is_child = true;
        loop.after_fork();
        order.clear();
        expect(is_logic_error([&] { loop.run(); }), "a nested run is refused in the child too");
    };
    ChildEnd end{};
    for (std::size_t i = 0; i < 2; ++i) {
        put(pairs[i].theirs, "x");
        watches[i] = loop.watch(pairs[i].ours.get(), Interest::read, mode.trigger, [&](Readiness) {
            order += 'w';
            if (order.size() == 1 && !is_child) end = in_child(child_turn);
        });
    }
    turns(loop, 1);
    CHECK_EQ(end.said, "");
    CHECK_EQ(end.exit_code, 0);
    CHECK_EQ(order, "ww");
}

CONTRACT_CASE("W14 fork in a callback: the child finishes the turn, then takes its own", on_level) {
    const auto everything_once = [&](const Expect& expect, const char* who, bool forks) {
        EventLoop loop{mode.backend};
        const std::array<Ends, 3> pairs{unix_pair(), unix_pair(), unix_pair()};
        std::array<Watch, 3> watches;
        std::array<int, 3> calls{};
        int rest = 0;
        bool forked = !forks;
        for (std::size_t i = 0; i < 3; ++i) {
            put(pairs[i].theirs, "x");
            watches[i] =
                loop.watch(pairs[i].ours.get(), Interest::read, mode.trigger, [&, i](Readiness) {
                    take(pairs[i].ours);
                    ++calls[i];
                    if (std::exchange(forked, true)) return;
                    loop.after_fork(); // as a child would
                });
        }
        const Timer timer = loop.run_after(Clock::duration::zero(), [&] { ++rest; });
        loop.post([&] { ++rest; });
        turns(loop, 2);
        expect(calls == std::array{1, 1, 1}, who);
        expect(rest == 2, "timers and tasks");
    };
    const Expect check = [](bool held, std::string_view what) {
        CHECK_MESSAGE(held, std::string{what});
    };
    everything_once(check, "without", false);
    everything_once(check, "in the same process", true);
    holds_in_child([&](const Expect& expect) { everything_once(expect, "in a child", true); });
}

CONTRACT_CASE("W14 the kernel refuses after_fork: it throws, and can be called again", everywhere) {
    EventLoop loop{mode.backend};
    const Ends ends = unix_pair();
    int calls = 0;
    const Watch watch =
        loop.watch(ends.ours.get(), Interest::read, mode.trigger, [&](Readiness) { ++calls; });
    holds_in_child([&](const Expect& expect) {
        for (const std::string_view refused : {"epoll_create1", "epoll_ctl", "eventfd"}) {
            if (refused != "eventfd" && !on_epoll(mode)) continue;
            const CallHook hook{[&](const CallPoint& call) {
                return call.name == refused ? CallOutcome{.error = EMFILE} : CallOutcome{};
            }};
            try {
                loop.after_fork();
                expect(false, "refused");
            } catch (const std::system_error& error) {
                expect(error.code().value() == EMFILE, "EMFILE");
            }
            expect(is_logic_error([&] { loop.run_once(Timeout::zero()); }), "still the parent's");
            loop.wake();
        }
        loop.after_fork();
        put(ends.theirs, "x");
        turns(loop, 1);
        expect(calls == 1, "a watch is called");
        loop.wake();
        loop.run_once();
    });
    put(ends.theirs, "x");
    turns(loop, 1);
    CHECK_EQ(calls, 1);
}

CONTRACT_CASE("W14 a wake-up that the parent had not yet seen is not lost in the child", on_level) {
    EventLoop loop{mode.backend};
    loop.wake();
    holds_in_child([&](const Expect&) {
        loop.after_fork();
        loop.run_once(); // the parent's
        loop.wake();
        loop.run_once();
    });
    loop.run_once();
}

CONTRACT_CASE("W13 a child may end a loop that the parent was about to run again", on_level) {
    auto loop = std::make_unique<EventLoop>(mode.backend);
    const Timer timer = loop->run_after(Clock::duration::zero(), [&] {
        const ChildEnd end = in_child([](const Expect&) {});
        CHECK_EQ(end.exit_code, 0);
    });
    turns(*loop, 1);
    holds_in_child([&](const Expect&) { loop.reset(); });
    turns(*loop, 1);
}

CONTRACT_CASE("W15 all descriptors of a loop are closed by exec", everywhere) {
    const auto open_now = [] {
        std::vector<int> fds;
        for (int fd = 0; fd < 1024; ++fd)
            if (::fcntl(fd, F_GETFD) >= 0) fds.push_back(fd);
        return fds;
    };
    const std::vector<int> before = open_now();
    const auto inherited = [&] {
        int count = 0;
        for (const int fd : open_now())
            if (std::find(before.begin(), before.end(), fd) == before.end() &&
                (::fcntl(fd, F_GETFD) & FD_CLOEXEC) == 0)
                ++count;
        return count;
    };
    EventLoop loop{mode.backend};
    CHECK_GT(open_now().size(), before.size());
    CHECK_EQ(inherited(), 0);
    loop.after_fork();
    CHECK_EQ(inherited(), 0);
}

CONTRACT_CASE("W16 stopped and continued: nothing runs twice, nothing early", on_level) {
    bool stopped = false;
    // A process that was not seen asleep before its timer ran did not stop: the next has more time.
    for (auto delay = 20ms; !stopped; delay *= 2) {
        const Clock::time_point due = Clock::now() + delay;
        const pid_t child = ::fork();
        REQUIRE_GE(child, 0);
        if (child == 0) {
            EventLoop loop{mode.backend};
            int ran = 0;
            int early = 0;
            const Timer timer = loop.run_at(due, [&] {
                ++ran;
                early += Clock::now() < due ? 1 : 0;
                loop.post([&] { loop.stop(); });
            });
            const OnceAsleep stopper{[] { ::kill(::getpid(), SIGSTOP); }};
            loop.run();
            ::_exit(ran == 1 && early == 0 && !timer.armed() ? 0 : 1);
        }
        int status = 0;
        REQUIRE_EQ(::waitpid(child, &status, WUNTRACED), child);
        stopped = WIFSTOPPED(status);
        if (stopped) {
            std::this_thread::sleep_until(due + 1ms); // what is due then is due when it goes on
            ::kill(child, SIGCONT);
            REQUIRE_EQ(::waitpid(child, &status, 0), child);
        }
        REQUIRE(WIFEXITED(status));
        CHECK_EQ(WEXITSTATUS(status), 0);
    }
}
