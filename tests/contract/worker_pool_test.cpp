// What WorkerPool promises: work off the loop, results on it, nothing twice and nothing left. A
// gate holds the threads where a test wants them; nobody sleeps.

#include "support/child.hpp"
#include "support/descriptor_ledger.hpp"
#include "support/failing_memory.hpp"
#include "support/gate.hpp"
#include "support/streams.hpp"

#include <doctest/doctest.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <future>
#include <memory>
#include <optional>
#include <pollux/event_loop.hpp>
#include <pollux/instruments/call_hook.hpp>
#include <pollux/instruments/fault_injection.hpp>
#include <pollux/worker_pool.hpp>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

using namespace pollux;
using namespace pollux_test;

namespace {

// Work that says when it has begun, and returns when the gate is open.
auto waiting_at(const Gate& gate, std::promise<void>& begun) {
    return [&] {
        begun.set_value();
        gate.wait();
    };
}

// Counts the callables that hold it; each may be destroyed on any thread.
struct Counted {
    explicit Counted(std::atomic<int>& of) : living{&of, [](std::atomic<int>* n) { --*n; }} {
        ++of;
    }
    std::unique_ptr<std::atomic<int>, void (*)(std::atomic<int>*)> living;
};

const auto ignored = [](auto) {};

} // namespace

TEST_CASE("WorkerPool: work runs elsewhere, its result comes on the loop's thread") {
    const DescriptorLedger ledger;
    EventLoop loop;
    WorkerPool pool;
    std::thread::id worked_on;
    std::thread::id told_on;
    int value = 0;
    const bool taken = pool.submit(
        loop,
        [&] {
            worked_on = std::this_thread::get_id();
            return 42;
        },
        [&](WorkResult<int> result) {
            told_on = std::this_thread::get_id();
            CHECK_FALSE(result.failed());
            value = result.get();
        });
    CHECK(taken);
    run_until(loop, [&] { return value != 0; });
    CHECK_EQ(value, 42);
    CHECK(told_on == std::this_thread::get_id());
    CHECK(worked_on != told_on);
}

TEST_CASE("WorkerPool: move-only callables and values, and work that returns nothing") {
    EventLoop loop;
    WorkerPool pool{{.threads = 1}};
    std::string said;
    bool done = false;
    CHECK(pool.submit(
        loop, [word = std::make_unique<std::string>("moved")]() mutable { return std::move(word); },
        [&said, end = std::make_unique<char>('!')](
            WorkResult<std::unique_ptr<std::string>> result) { said = *result.get() + *end; }));
    CHECK(pool.submit(
        loop, [] {},
        [&](WorkResult<void> result) {
            CHECK_FALSE(result.failed());
            result.get();
            done = true;
        }));
    run_until(loop, [&] { return done; });
    CHECK_EQ(said, "moved!");
}

TEST_CASE("WorkerPool: what work throws is thrown by get, and the pool goes on") {
    EventLoop loop;
    WorkerPool pool{{.threads = 1}};
    std::vector<std::string> seen;
    const auto note = [&](auto result) {
        CHECK(result.failed());
        try {
            result.get();
        } catch (const std::runtime_error& error) {
            seen.emplace_back(error.what());
        }
    };
    CHECK(pool.submit(
        loop, []() -> int { throw std::runtime_error{"a value"}; }, note));
    CHECK(pool.submit(
        loop, [] { throw std::runtime_error{"nothing"}; }, note));
    run_until(loop, [&] { return seen.size() == 2; });
    CHECK_EQ(seen, std::vector<std::string>{"a value", "nothing"});
}

TEST_CASE("X4 WorkerPool: a result that has been promised needs no memory") {
    EventLoop loop;
    WorkerPool pool{{.threads = 1}};
    int told = 0;
    for (int nth = 1; nth <= 3; ++nth) {
        CAPTURE(nth);
        const bool taken = pool.submit(
            loop,
            [nth] {
                thread_local std::optional<FailingMemory> none;
                none.emplace(nth); // from here on: that of the thread that tells the result
            },
            [&](WorkResult<void> result) {
                result.get();
                ++told;
            });
        REQUIRE(taken);
        while (told < nth) loop.run_once();
    }
}

TEST_CASE("WorkerPool: a result comes behind what its work posted") {
    EventLoop loop;
    WorkerPool pool;
    std::string order;
    const bool taken = pool.submit(
        loop, [&] { loop.post([&] { order += "posted "; }); },
        [&](const WorkResult<void>&) { order += "done"; });
    REQUIRE(taken);
    while (!order.ends_with("done")) loop.run_once();
    CHECK_EQ(order, "posted done");
}

TEST_CASE("WorkerPool: a result whose task throws leaves the others in their place") {
    EventLoop loop;
    WorkerPool pool{{.threads = 1}};
    std::string order;
    const auto tell = [&](char name) {
        return [&, name](const WorkResult<void>&) {
            order += name;
            if (name == 'a') throw std::runtime_error{"a"};
        };
    };
    std::promise<void> all_there;
    REQUIRE(pool.submit(
        loop, [] {}, tell('a')));
    REQUIRE(pool.submit(
        loop, [] {}, tell('b')));
    REQUIRE(pool.submit(
        loop, [&] { all_there.set_value(); }, [](const WorkResult<void>&) {}));
    all_there.get_future().wait();
    CHECK_THROWS_AS(loop.run_once(), std::runtime_error);
    CHECK_EQ(order, "a");
    loop.run_once(Timeout::zero());
    CHECK_EQ(order, "ab");
}

TEST_CASE("WorkerPool: one thread keeps the order") {
    EventLoop loop;
    WorkerPool pool{{.threads = 1}};
    std::vector<int> order;
    for (int number = 0; number < 100; ++number)
        CHECK(pool.submit(
            loop, [number] { return number; },
            [&](WorkResult<int> result) { order.push_back(result.get()); }));
    run_until(loop, [&] { return order.size() == 100; });
    for (int number = 0; number < 100; ++number)
        CHECK_EQ(order[static_cast<std::size_t>(number)], number);
}

TEST_CASE("WorkerPool: a full queue refuses and takes nothing; later it takes again") {
    EventLoop loop;
    Gate gate;
    std::promise<void> begun;
    WorkerPool pool{{.threads = 1, .queue_limit = 2}};
    int done = 0;
    const auto count = [&](const auto&) { ++done; };
    CHECK(pool.submit(loop, waiting_at(gate, begun), count));
    begun.get_future().wait();
    CHECK_EQ(pool.waiting(), 0);
    for (int more = 0; more < 2; ++more)
        CHECK(pool.submit(
            loop, [] { return 2; }, count));
    CHECK_EQ(pool.waiting(), 2);
    auto number = std::make_unique<int>(3);
    auto work = [number = std::move(number)] { return *number; };
    CHECK_FALSE(pool.submit(loop, std::move(work), count));
    CHECK_EQ(pool.waiting(), 2);
    gate.open();
    run_until(loop, [&] { return done == 3; });
    CHECK(pool.submit(loop, std::move(work), count)); // NOLINT(bugprone-use-after-move): refused
    run_until(loop, [&] { return done == 4; });
    CHECK_EQ(pool.waiting(), 0);
}

TEST_CASE("WorkerPool: destroyed, it drops what waits and finishes what runs") {
    std::atomic<int> living{0};
    EventLoop loop;
    Gate gate;
    std::promise<void> begun;
    bool was_told = false;
    bool ran = false;
    std::optional<WorkerPool> pool{std::in_place, WorkerPoolOptions{.threads = 1}};
    CHECK(pool->submit(loop, waiting_at(gate, begun),
                       [&](const WorkResult<void>&) { was_told = true; }));
    for (int waiting = 0; waiting < 3; ++waiting)
        CHECK(pool->submit(
            loop, [&ran, counted = Counted{living}] { ran = true; },
            [&ran, counted = Counted{living}](const WorkResult<void>&) { ran = true; }));
    // What runs ends only when the rest has been dropped.
    const auto open = [](Gate* closed) { closed->open(); };
    CHECK(pool->submit(
        loop, [opener = std::unique_ptr<Gate, decltype(open)>{&gate, open}] {}, ignored));
    begun.get_future().wait();
    CHECK_EQ(living, 6);
    pool.reset();
    CHECK_EQ(living, 0);
    settle(loop);
    CHECK(was_told); // it had been posted
    CHECK_FALSE(ran);
}

TEST_CASE("X4 WorkerPool: ending it needs no memory") {
    const EventLoop loop;
    std::optional<WorkerPool> pool{std::in_place, WorkerPoolOptions{.threads = 1}};
    const FailingMemory none{1};
    pool.reset();
}

TEST_CASE("WorkerPool: work is destroyed by the thread that ran it, before its result is told") {
    EventLoop loop;
    WorkerPool pool;
    std::atomic<int> living{0};
    bool done = false;
    CHECK(pool.submit(
        loop, [counted = Counted{living}] {},
        [&, counted = Counted{living}](const WorkResult<void>&) {
            CHECK_EQ(living, 1);
            done = true;
        }));
    run_until(loop, [&] { return done; });
    settle(loop);
    CHECK_EQ(living, 0);
}

TEST_CASE("WorkerPool: on_done may destroy the pool") {
    EventLoop loop;
    std::optional<WorkerPool> pool{std::in_place};
    CHECK(pool->submit(
        loop, [] {}, [&](const WorkResult<void>&) { pool.reset(); }));
    run_until(loop, [&] { return !pool; });
}

TEST_CASE("X4 WorkerPool: a result comes back though there is no memory where it was made") {
    EventLoop loop;
    WorkerPool pool{{.threads = 1}};
    Gate gate;
    int result = 0;
    CHECK(pool.submit(
        loop,
        [&] {
            gate.wait();
            return 42;
        },
        [&](WorkResult<int> got) { result = got.get(); }));
    const FaultInjection::Pause on_this_thread;
    const FaultInjection no_memory{FaultPlan::parse("new@*=ENOMEM")};
    gate.open();
    run_until(loop, [&] { return result != 0; });
    CHECK_EQ(result, 42);
}

TEST_CASE("WorkerPool: 8 submitters, each with its own loop, each gets all of its own") {
    const DescriptorLedger ledger;
    constexpr int each = 500;
    std::array<EventLoop, 8> loops; // each outlives the pool, not only what it submits
    WorkerPool pool{{.threads = 3, .queue_limit = 64}};
    std::atomic<int> right{0};
    {
        std::vector<std::jthread> submitters;
        for (EventLoop& loop : loops)
            submitters.emplace_back([&pool, &right, &loop] {
                int sent = 0;
                int told = 0;
                while (told < each) {
                    while (sent < each &&
                           pool.submit(
                               loop,
                               [&loop, number = sent] {
                                   return std::pair{&loop, number};
                               },
                               [&, number = sent](WorkResult<std::pair<EventLoop*, int>> result) {
                                   ++told;
                                   if (result.get() == std::pair{&loop, number}) ++right;
                               }))
                        ++sent;
                    // Refused at once, it has nothing under way that would wake it.
                    loop.run_once(sent > told ? forever : Timeout::zero());
                }
            });
    }
    CHECK_EQ(right, 8 * each);
    CHECK_EQ(pool.waiting(), 0);
}

TEST_CASE("WorkerPool: its threads have all signals blocked, and the caller's mask stays") {
    sigset_t before{};
    sigset_t after{};
    ::pthread_sigmask(SIG_BLOCK, nullptr, &before);
    EventLoop loop;
    WorkerPool pool;
    ::pthread_sigmask(SIG_BLOCK, nullptr, &after);
    for (int signal = 1; signal < 32; ++signal)
        CHECK_EQ(sigismember(&before, signal), sigismember(&after, signal));
    int blocked = -1;
    const auto blocked_in_worker = [] {
        sigset_t mask{};
        ::pthread_sigmask(SIG_BLOCK, nullptr, &mask);
        return sigismember(&mask, SIGTERM) + sigismember(&mask, SIGCHLD) +
               sigismember(&mask, SIGUSR1);
    };
    CHECK(pool.submit(loop, blocked_in_worker,
                      [&](WorkResult<int> result) { blocked = result.get(); }));
    run_until(loop, [&] { return blocked >= 0; });
    CHECK_EQ(blocked, 3);
}

TEST_CASE("WorkerPool: a thread that cannot be had is an error, and the others end") {
    const CallHook hook{[](const CallPoint& call) {
        CallOutcome outcome;
        if (call.name == "pthread_create" && call.nth == 3) outcome.result = EAGAIN;
        return outcome;
    }};
    std::string said;
    try {
        const WorkerPool pool{{.threads = 4}};
    } catch (const std::system_error& error) {
        said = error.what();
        CHECK_EQ(error.code().value(), EAGAIN);
    }
    CHECK(said.starts_with("pthread_create 3 of 4 workers"));
}

TEST_CASE("WorkerPool: no threads or no queue are refused") {
    CHECK_THROWS_AS(WorkerPool({.threads = 0}), std::invalid_argument);
    CHECK_THROWS_AS(WorkerPool({.queue_limit = 0}), std::invalid_argument);
}

TEST_CASE("WorkerPool: in a forked child submit throws, and destroying it does nothing") {
    EventLoop loop;
    Gate gate;
    std::promise<void> begun;
    std::optional<WorkerPool> pool{std::in_place, WorkerPoolOptions{.threads = 1}};
    CHECK(pool->submit(loop, waiting_at(gate, begun), ignored));
    begun.get_future().wait();
    CHECK(pool->submit(
        loop, [] {}, ignored));
    holds_in_child([&](const Expect& expect) {
        try {
            static_cast<void>(pool->submit(
                loop, [] {}, ignored));
            expect(false, "submit throws");
        } catch (const std::logic_error&) {
        }
        expect(pool->waiting() == 0, "nothing waits");
        pool.reset();
    });
    gate.open();
}
