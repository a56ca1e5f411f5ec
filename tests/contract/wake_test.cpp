// W and T14 of the catalogue: what other threads and signal handlers may do to a loop. No sleeps:
// a thread that is to be found waiting is looked at in /proc until it sleeps.

#include "support/child.hpp"
#include "support/contract.hpp"
#include "support/sockets.hpp"
#include "support/wake_up_budget.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <fstream>
#include <functional>
#include <memory>
#include <optional>
#include <poll.h>
#include <pollux/event_loop.hpp>
#include <pthread.h>
#include <string>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

using namespace pollux;
using namespace pollux_test;
using namespace std::chrono_literals;

namespace {

// Returns when that thread of this process sleeps in the kernel.
void await_sleep(pid_t thread) {
    for (;;) {
        std::ifstream stat{"/proc/self/task/" + std::to_string(thread) + "/stat"};
        std::string text;
        std::getline(stat, text);
        const auto end = text.rfind(')');
        if (end != std::string::npos && text.size() > end + 2 && text[end + 2] == 'S') return;
        std::this_thread::yield();
    }
}

void in_other_thread(const std::function<void()>& work) { std::thread{work}.join(); }

// Runs `work` in another thread once this one sleeps in its wait.
class WhenAsleep {
public:
    explicit WhenAsleep(std::function<void()> work)
        : thread_{[sleeper = ::gettid(), work = std::move(work)] {
              await_sleep(sleeper);
              work();
          }} {}
    ~WhenAsleep() { thread_.join(); }
    WhenAsleep(const WhenAsleep&) = delete;
    WhenAsleep& operator=(const WhenAsleep&) = delete;

private:
    std::thread thread_;
};

// Has a signal handler that calls `what` while it lives.
std::function<void()>* on_signal = nullptr;
class Handler {
public:
    explicit Handler(std::function<void()> what) : what_{std::move(what)} {
        on_signal = &what_;
        struct sigaction action {};
        action.sa_handler = [](int) { (*on_signal)(); };
        action.sa_flags = SA_RESTART;
        ::sigaction(SIGUSR1, &action, &former_);
    }
    ~Handler() { ::sigaction(SIGUSR1, &former_, nullptr); }
    Handler(const Handler&) = delete;
    Handler& operator=(const Handler&) = delete;

private:
    std::function<void()> what_;
    struct sigaction former_ {};
};

} // namespace

CONTRACT_CASE("W1 wake from another thread ends a wait", on_level) {
    EventLoop loop{mode.backend};
    const WhenAsleep waker{[&] { loop.wake(); }};
    CHECK_EQ(loop.run_once(), 0);
}

CONTRACT_CASE("W2 wake before the wait: the wait does not sleep, and only that one", on_level) {
    const FakeClock clock;
    EventLoop loop{mode.backend};
    const Clock::time_point start = Clock::now();
    in_other_thread([&] { loop.wake(); });
    loop.run_once(1s);
    CHECK_EQ(Clock::now(), start);
    loop.run_once(1s);
    CHECK_EQ(Clock::now(), start + 1s);
}

CONTRACT_CASE("W3 a task posted after the wait and before the wake-up is read runs in that turn",
              on_level) {
    EventLoop loop{mode.backend};
    int ran = 0;
    loop.wake();
    bool posted = false;
    const CallHook hook{[&](const CallPoint& call) {
        if (call.name == "read" && !std::exchange(posted, true))
            in_other_thread([&] { loop.post([&] { ++ran; }); });
        return CallOutcome{};
    }};
    loop.run_once();
    CHECK(posted);
    CHECK_EQ(ran, 1);
}

CONTRACT_CASE("W3 a wake-up after the wake-up was read is seen by the next wait", on_level) {
    EventLoop loop{mode.backend};
    loop.wake();
    loop.post([&] { in_other_thread([&] { loop.wake(); }); });
    loop.run_once();
    loop.run_once(); // would sleep for ever
}

CONTRACT_CASE("W4 a million wake-ups count as one, and block nobody", on_level) {
    const FakeClock clock;
    EventLoop loop{mode.backend};
    const auto before = calls_made("write");
    std::vector<std::thread> threads;
    threads.reserve(4);
    for (int i = 0; i < 4; ++i)
        threads.emplace_back([&] {
            for (int k = 0; k < 250'000; ++k) loop.wake();
        });
    for (std::thread& thread : threads) thread.join();
    CHECK_EQ(calls_made("write") - before, 1);
    const WakeUpBudget budget{loop, 2};
    run_for(loop, 1h);
}

// What others do while the loop is awake and runs its turns writes to no descriptor.
CONTRACT_CASE("W4 who wakes a loop that was just woken writes nothing, and is not missed",
              on_level) {
    EventLoop loop{mode.backend};
    const auto before = calls_made("write");
    std::uint64_t writes = 0;
    int ran = 0;
    in_other_thread([&] { loop.wake(); }); // this one writes
    UniqueFunction<void()> next = [&] {
        in_other_thread([&] { loop.wake(); });
        writes = calls_made("write") - before;
        if (++ran == 100) return loop.stop();
        in_other_thread([&] { loop.post([&] { next(); }); });
    };
    loop.post([&] { next(); });
    loop.run();
    CHECK_EQ(ran, 100);
    CHECK_EQ(writes, 1);
}

CONTRACT_CASE("W4 asked in the last turn of a run: the next wait does not sleep", on_level) {
    const FakeClock clock;
    EventLoop loop{mode.backend};
    const Clock::time_point start = Clock::now();
    in_other_thread([&] { loop.wake(); });
    loop.post([&] {
        loop.stop();
        in_other_thread([&] { loop.wake(); });
    });
    loop.run();
    loop.run_once(1s);
    CHECK_EQ(Clock::now(), start);
    loop.run_once(1s);
    CHECK_EQ(Clock::now(), start + 1s);
}

CONTRACT_CASE("W5 eight threads post: every task runs once, those of a thread in their order",
              on_level) {
    constexpr std::size_t posters = 8;
    constexpr int each = 5'000;
    EventLoop loop{mode.backend};
    std::array<std::vector<int>, posters> ran;
    std::size_t finished = 0;
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < posters; ++i)
        threads.emplace_back([&, i] {
            for (int k = 0; k < each; ++k) loop.post([&, i, k] { ran[i].push_back(k); });
            loop.post([&] {
                if (++finished == posters) loop.stop();
            });
        });
    loop.run();
    for (std::thread& thread : threads) thread.join();
    for (const std::vector<int>& of_thread : ran) {
        REQUIRE_EQ(of_thread.size(), each);
        CHECK(std::is_sorted(of_thread.begin(), of_thread.end()));
    }
}

CONTRACT_CASE("W5 one by one: a post never waits for the next", on_level) {
    EventLoop loop{mode.backend};
    std::atomic<int> ran{0};
    std::thread poster{[&] {
        for (int k = 1; k <= 2'000; ++k) {
            loop.post([&] { ++ran; });
            while (ran.load() < k) std::this_thread::yield(); // a lost wake-up would end here
        }
        loop.stop();
    }};
    loop.run();
    poster.join();
    CHECK_EQ(ran.load(), 2'000);
}

CONTRACT_CASE("W5 W17 one by one to a loop that is driven, and may look for a while in each turn",
              on_epoll) {
    for (const auto most : {0us, 5us}) {
        EventLoop loop{mode.backend, {.spin = most}};
        std::atomic<int> ran{0};
        constexpr int tasks = 2'000;
        std::thread poster{[&] {
            for (int k = 1; k <= tasks; ++k) {
                loop.post([&] { ++ran; });
                while (ran.load() < k) std::this_thread::yield(); // a lost wake-up would end here
            }
        }};
        pollfd driver{.fd = loop.descriptor(), .events = POLLIN, .revents = 0};
        while (ran.load() < tasks) {
            ::poll(&driver, 1, loop.time_to_wait() == forever ? -1 : 0);
            loop.run_once(most);
        }
        poster.join();
        CHECK_EQ(ran.load(), tasks);
    }
}

CONTRACT_CASE("W6 wake in a signal handler ends a wait, and keeps errno", on_level) {
    EventLoop loop{mode.backend};
    int errno_after = 0;
    const Handler handler{[&] {
        const int before = std::exchange(errno, EDOM);
        loop.wake();
        errno_after = std::exchange(errno, before);
    }};
    const pthread_t self = ::pthread_self();
    const WhenAsleep killer{[&] { ::pthread_kill(self, SIGUSR1); }};
    const auto before = calls_made("read");
    loop.run_once();
    loop.run_once(Timeout::zero()); // the wait may have ended by EINTR: the wake-up stands
    CHECK_EQ(calls_made("read") - before, 1);
    CHECK_EQ(errno_after, EDOM);
}

CONTRACT_CASE("W6 stop in a signal handler ends run", on_level) {
    EventLoop loop{mode.backend};
    const Handler handler{[&] { loop.stop(); }};
    const pthread_t self = ::pthread_self();
    const WhenAsleep killer{[&] { ::pthread_kill(self, SIGUSR1); }};
    loop.run();
}

CONTRACT_CASE("W6 W17 stop in a signal handler ends the run of a loop that looks", on_level) {
    EventLoop loop{mode.backend, {.spin = 1h}};
    const Handler handler{[&] { loop.stop(); }};
    int looks = 0;
    const CallHook hook{[&](const CallPoint& call) {
        if (is_wait(call.name) && ++looks == 5) ::raise(SIGUSR1);
        return CallOutcome{};
    }};
    const auto writes = calls_made("write");
    loop.run();
    CHECK_EQ(looks, 5 + mode.calls_to_leave());
    CHECK_EQ(calls_made("write") - writes, 0);
}

CONTRACT_CASE("W10 bug-C12 a signal between the last look and the wait is not lost", on_level) {
    EventLoop loop{mode.backend};
    const Handler handler{[&] { loop.stop(); }};
    bool raised = false;
    const CallHook hook{[&](const CallPoint& call) {
        if (is_wait(call.name) && !std::exchange(raised, true)) ::raise(SIGUSR1);
        return CallOutcome{};
    }};
    loop.run();
    CHECK(raised);
}

CONTRACT_CASE("P8 a signal that means nothing to the loop: run goes on", on_level) {
    EventLoop loop{mode.backend};
    std::atomic<int> handled{0};
    const Handler handler{[&] { ++handled; }};
    const pthread_t self = ::pthread_self();
    const pid_t sleeper = ::gettid();
    std::thread other{[&] {
        for (int i = 0; i < 3; ++i) {
            await_sleep(sleeper);
            ::pthread_kill(self, SIGUSR1);
            while (handled.load() <= i) std::this_thread::yield();
        }
        loop.stop();
    }};
    loop.run();
    other.join();
    CHECK_EQ(handled.load(), 3);
}

CONTRACT_CASE("W7 stop: before run, inside, from another thread, twice", on_level) {
    const FakeClock clock;
    EventLoop loop{mode.backend};
    int ran = 0;
    const Clock::time_point start = Clock::now();
    loop.stop();
    loop.stop();
    loop.post([&] { ++ran; });
    loop.run(); // one turn that does not wait
    CHECK_EQ(ran, 1);
    loop.post([&] {
        loop.stop();
        loop.stop();
        loop.post([&] { ++ran; });
    });
    loop.run();
    CHECK_EQ(ran, 1); // posted by a task: it waits a turn
    {
        const WhenAsleep stopper{[&] {
            loop.stop();
            loop.stop();
        }};
        loop.run();
    }
    CHECK_EQ(ran, 2);
    CHECK_EQ(Clock::now(), start);
    turns(loop, 1); // the rest of the second stop
    loop.run_once(1s);
    CHECK_EQ(Clock::now(), start + 1s);
}

CONTRACT_CASE("W7 stop before run does not wait, though there is a timer", on_level) {
    const FakeClock clock;
    EventLoop loop{mode.backend};
    const Clock::time_point start = Clock::now();
    int ran = 0;
    const Timer timer = loop.run_after(1h, [&] { ++ran; });
    loop.stop();
    turns(loop, 2); // the wake-up is used up, the wish is not
    loop.run();
    CHECK_EQ(Clock::now(), start);
    CHECK_EQ(ran, 0);
}

CONTRACT_CASE("T14 bug-C14 a timer that another thread asks for shortens the wait", on_level) {
    EventLoop loop{mode.backend};
    const Timer far = loop.run_after(24h, [] {});
    std::optional<Timer> near;
    const WhenAsleep asker{
        [&] { loop.post([&] { near = loop.run_after(1ms, [&] { loop.stop(); }); }); }};
    loop.run();
    CHECK(near);
}

CONTRACT_CASE("W9 another thread gives up a watch through post", everywhere) {
    EventLoop loop{mode.backend};
    Ends ends = unix_pair();
    int calls = 0;
    std::optional<Watch> watch{
        loop.watch(ends.ours.get(), Interest::read, mode.trigger, [&](Readiness) { ++calls; })};
    const WhenAsleep closer{[&] {
        loop.post([&] {
            watch.reset();
            ends.ours.reset();
            loop.stop();
        });
    }};
    loop.run();
    CHECK_EQ(calls, 0);
}

CONTRACT_CASE("a loop made here may run there, and end here", on_level) {
    auto loop = std::make_unique<EventLoop>(mode.backend);
    const Ends ends = unix_pair();
    std::string got;
    Watch watch = loop->watch(ends.ours.get(), Interest::read, Trigger::level, [&](Readiness) {
        got = take(ends.ours);
        loop->stop();
    });
    put(ends.theirs, "text");
    in_other_thread([&] { loop->run(); });
    CHECK_EQ(got, "text");
    watch.stop();
    loop->stop();
    loop->run();
}

CONTRACT_CASE("what is posted and never run is destroyed with the loop", on_level) {
    struct Posts {
        EventLoop* loop;
        std::shared_ptr<int> kept;
        int* ran;
        int* died;
        Posts(EventLoop& in, std::shared_ptr<int> keep, int& runs, int& deaths)
            : loop{&in}, kept{std::move(keep)}, ran{&runs}, died{&deaths} {}
        Posts(Posts&& other) noexcept
            : loop{std::exchange(other.loop, nullptr)},
              kept{std::move(other.kept)},
              ran{other.ran},
              died{other.died} {}
        Posts(const Posts&) = delete;
        Posts& operator=(const Posts&) = delete;
        Posts& operator=(Posts&&) = delete;
        ~Posts() {
            if (loop == nullptr) return;
            ++*died;
            for (int i = 0; i < 100; ++i) loop->post([runs = ran, held = kept] { ++*runs; });
        }
        void operator()() const { ++*ran; }
    };
    auto kept = std::make_shared<int>(1);
    const std::weak_ptr<int> seen{kept};
    int ran = 0;
    int died = 0;
    Timer outlives_the_loop;
    {
        EventLoop loop{mode.backend};
        outlives_the_loop = loop.run_after(1h, [] {});
        in_other_thread([&] {
            for (int i = 0; i < 3; ++i) loop.post(Posts{loop, kept, ran, died});
        });
        kept.reset();
    }
    CHECK(seen.expired());
    CHECK_EQ(ran, 0);
    CHECK_EQ(died, 3);
}

CONTRACT_CASE("W8 a debug build notices another thread's hands on a running loop",
              on_level_of_one_thread) {
    const ChildEnd end = in_child([&](const Expect&) {
        EventLoop loop{mode.backend};
        const Ends ends = unix_pair();
        const auto meddle = [&] {
            const Watch watch =
                loop.watch(ends.ours.get(), Interest::read, Trigger::level, [](Readiness) {});
        };
        loop.post([&] { in_other_thread(meddle); });
        loop.run_once();
    });
    if (!is_debug) {
        CHECK_EQ(end.exit_code, 0);
        return;
    }
    CHECK_EQ(end.signal, SIGABRT);
    CHECK_NE(end.said.find("use post"), std::string::npos);
}

CONTRACT_CASE("W13 P13 a fork by another thread than the loop's: the child may use it or end it",
              on_level) {
    const Ends ends = unix_pair();
    for (const bool ends_it : {false, true}) {
        auto loop = std::make_unique<EventLoop>(mode.backend);
        int calls = 0;
        Watch watch = loop->watch(ends.ours.get(), Interest::read, Trigger::level, [&](Readiness) {
            take(ends.ours);
            ++calls;
        });
        watch.pause(); // the parent, which runs, would read what is meant for the child
        {
            const WhenAsleep forker{[&] {
                holds_in_child([&](const Expect& expect) {
                    if (ends_it) {
                        watch.stop();
                        loop.reset();
                        return;
                    }
                    loop->after_fork();
                    watch.resume();
                    put(ends.theirs, "x");
                    turns(*loop, 1);
                    expect(calls == 1, "a watch is called");
                });
                loop->stop();
            }};
            loop->run();
        }
        CHECK_EQ(calls, 0);
    }
}
