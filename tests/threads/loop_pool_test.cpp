// What LoopPool promises: loops in threads of their own that begin and end together, what throws is
// heard of, and nobody waits for a loop that is gone.

#include "support/child.hpp"
#include "support/descriptor_ledger.hpp"
#include "support/gate.hpp"
#include "support/sockets.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <future>
#include <optional>
#include <pollux/instruments/call_hook.hpp>
#include <pollux/loop_pool.hpp>
#include <sched.h>
#include <set>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

using namespace pollux;
using namespace pollux_test;

namespace {

// The code of the `std::system_error` that `act` throws; 0: it threw none.
template <class Act> int refused_with(Act act) {
    try {
        act();
        return 0;
    } catch (const std::system_error& error) {
        return error.code().value();
    }
}

cpu_set_t allowed_here() {
    cpu_set_t allowed{};
    ::sched_getaffinity(0, sizeof allowed, &allowed);
    return allowed;
}

} // namespace

TEST_CASE("LoopPool: each loop has a thread of its own, and work runs there") {
    const DescriptorLedger ledger;
    LoopPool pool{{.loops = 3}};
    CHECK_EQ(pool.size(), 3);
    std::set<std::thread::id> threads;
    for (std::size_t place = 0; place < 3; ++place) {
        const auto [thread, here, elsewhere] = pool.call(place, [&](EventLoop& loop) {
            CHECK_EQ(&loop, &pool.loop(place));
            return std::tuple{std::this_thread::get_id(), pool.runs_here(place),
                              pool.runs_here((place + 1) % 3)};
        });
        threads.insert(thread);
        CHECK(here);
        CHECK_FALSE(elsewhere);
        CHECK_FALSE(pool.runs_here(place));
    }
    CHECK_EQ(threads.size(), 3);
    CHECK_FALSE(threads.contains(std::this_thread::get_id()));
}

TEST_CASE("LoopPool: next gives one loop after the other, whichever thread asks") {
    LoopPool pool{{.loops = 3}};
    std::atomic<int> given[3] = {0, 0, 0};
    {
        std::vector<std::jthread> threads;
        for (int thread = 0; thread < 4; ++thread)
            threads.emplace_back([&] {
                for (int turn = 0; turn < 300; ++turn) {
                    const EventLoop* const loop = &pool.next();
                    for (std::size_t place = 0; place < 3; ++place)
                        if (loop == &pool.loop(place)) ++given[place];
                }
            });
    }
    for (const auto& count : given) CHECK_EQ(count, 400);
}

TEST_CASE("LoopPool: call gives the value, throws what work threw, and takes what only moves") {
    LoopPool pool{{.loops = 1}};
    CHECK_EQ(*pool.call(0, [](EventLoop&) { return std::make_unique<int>(7); }), 7);
    bool called = false;
    pool.call(0, [&](EventLoop&) { called = true; });
    CHECK(called);
    CHECK_THROWS_AS(pool.call(0, [](EventLoop&) -> int { throw std::domain_error{"x"}; }),
                    std::domain_error);
    // On its own thread at once: waiting for itself it would hang.
    CHECK_EQ(pool.call(0, [&](EventLoop&) { return pool.call(0, [](EventLoop&) { return 5; }); }),
             5);
    pool.stop();
    pool.wait(); // what work threw did not leave the loop
}

TEST_CASE("LoopPool: a call to a loop that has ended throws, and so does one that comes too late") {
    Gate gate;
    std::promise<void> begun;
    LoopPool pool{{.loops = 2}};
    // The loop ends after this turn; what is posted from now on never runs.
    pool.loop(0).post([&] {
        pool.stop();
        begun.set_value();
        gate.wait();
    });
    begun.get_future().wait();
    std::promise<int> told;
    const std::jthread caller{[&] {
        told.set_value(refused_with([&] { pool.call(0, [](EventLoop&) { FAIL("ran"); }); }));
    }};
    gate.open();
    CHECK_EQ(told.get_future().get(), ECANCELED);
    pool.wait();
    CHECK_EQ(refused_with([&] { pool.call(1, [](EventLoop&) { FAIL("ran"); }); }), ECANCELED);
    CHECK_FALSE(pool.await(1, [](EventLoop&, const Task&) { FAIL("ran"); }));
    // Not later either, when somebody else runs the loop.
    for (std::size_t place = 0; place < 2; ++place) pool.loop(place).run_once(Timeout::zero());
}

TEST_CASE("LoopPool: await ends when done is called, destroyed, or the loop has ended") {
    LoopPool pool{{.loops = 2}};
    std::optional<Timer> timer;
    CHECK(pool.await(0, [&](EventLoop& loop, Task done) {
        timer = loop.run_after(std::chrono::milliseconds{1}, std::move(done)); // a later turn
    }));
    pool.call(0, [&](EventLoop&) { timer.reset(); });
    CHECK(pool.await(0, [&](EventLoop&, Task done) { // from another loop
        pool.loop(1).post(std::move(done));
    }));
    CHECK_FALSE(pool.await(0, [](EventLoop&, const Task&) {}));
    CHECK_THROWS_AS(static_cast<void>(pool.await(
                        0, [](EventLoop&, const Task&) { throw std::domain_error{"x"}; })),
                    std::domain_error);
    Task kept;
    CHECK_FALSE(pool.await(0, [&](EventLoop& loop, Task done) {
        kept = std::move(done);
        loop.stop();
    }));
    kept(); // too late, and harmless
    pool.wait();
}

TEST_CASE("LoopPool: waiting on a thread of the pool is an error, not a hang") {
    LoopPool pool{{.loops = 2}};
    pool.call(0, [&](EventLoop&) {
        CHECK_THROWS_AS(pool.wait(), std::logic_error);
        CHECK_THROWS_AS(static_cast<void>(pool.await(1, [](EventLoop&, const Task&) {})),
                        std::logic_error);
    });
}

TEST_CASE("LoopPool: an exception that leaves a loop ends all, and wait throws the first") {
    LoopPool pool{{.loops = 3}};
    pool.loop(1).post([] { throw std::runtime_error{"the first"}; });
    for (int time = 0; time < 2; ++time) {
        std::string said;
        try {
            pool.wait();
        } catch (const std::runtime_error& error) {
            said = error.what();
        }
        CHECK_EQ(said, "the first");
    }
    for (std::size_t place = 0; place < 3; ++place)
        CHECK_EQ(refused_with([&] { pool.call(place, [](EventLoop&) {}); }), ECANCELED);
}

TEST_CASE("LoopPool: one loop that is stopped by itself ends all") {
    LoopPool pool{{.loops = 3}};
    pool.loop(2).stop();
    pool.wait();
}

TEST_CASE("LoopPool: a signal handler may stop it") {
    static LoopPool* stopped = nullptr;
    LoopPool pool{{.loops = 2}};
    stopped = &pool;
    struct sigaction action {};
    struct sigaction before {};
    action.sa_handler = [](int) { stopped->stop(); };
    ::sigaction(SIGUSR1, &action, &before);
    ::raise(SIGUSR1);
    pool.wait();
    ::sigaction(SIGUSR1, &before, nullptr);
}

TEST_CASE(
    "LoopPool: what lives on a loop is made on its thread, and may end after that has ended") {
    const DescriptorLedger ledger;
    const Ends ends = unix_pair();
    LoopPool pool{{.loops = 2}};
    std::promise<std::thread::id> told;
    std::optional<Watch> watch;
    pool.call(1, [&](EventLoop& loop) {
        watch = loop.watch(ends.ours.get(), Interest::read, Trigger::level, [&](Readiness) {
            take(ends.ours);
            told.set_value(std::this_thread::get_id());
        });
    });
    put(ends.theirs, "x");
    CHECK(told.get_future().get() ==
          pool.call(1, [](EventLoop&) { return std::this_thread::get_id(); }));
    pool.stop();
    pool.wait();
    watch->pause();
    watch.reset(); // on this thread now
}

TEST_CASE("LoopPool: destroyed, it ends the loops; what was posted and did not run is destroyed") {
    const auto living = std::make_shared<int>(1);
    bool ran = false;
    {
        LoopPool pool{{.loops = 2}};
        pool.stop();
        pool.wait();
        pool.loop(0).post([&, living] { ran = true; });
        CHECK_EQ(living.use_count(), 2);
    }
    CHECK_EQ(living.use_count(), 1);
    CHECK_FALSE(ran);
}

TEST_CASE("LoopPool: a loop that has ended runs for whoever wants it, and stops when it is told") {
    LoopPool pool{{.loops = 3}};
    pool.loop(0).stop();
    pool.wait();
    pool.stop(); // in vain: all have ended
    for (std::size_t place = 0; place < pool.size(); ++place) {
        EventLoop& loop = pool.loop(place);
        bool ran = false;
        loop.post([&] { // a turn later
            loop.post([&] {
                ran = true;
                loop.stop();
            });
        });
        loop.run();
        CHECK(ran);
    }
}

TEST_CASE("LoopPool: its threads have all signals blocked") {
    LoopPool pool{{.loops = 1}};
    const sigset_t mask = pool.call(0, [](EventLoop&) {
        sigset_t now{};
        ::pthread_sigmask(SIG_BLOCK, nullptr, &now);
        return now;
    });
    for (const int signal : {SIGTERM, SIGINT, SIGCHLD, SIGUSR1}) CHECK(sigismember(&mask, signal));
}

TEST_CASE("LoopPool: pinned threads stay on one allowed CPU each; others have all of them") {
    const cpu_set_t all = allowed_here();
    const auto count = static_cast<std::size_t>(CPU_COUNT(&all));
    LoopPool pool{{.loops = count + 1, .pinned = true}};
    std::vector<std::size_t> cpus;
    for (std::size_t place = 0; place < pool.size(); ++place) {
        const cpu_set_t allowed = pool.call(place, [](EventLoop&) { return allowed_here(); });
        CHECK_EQ(CPU_COUNT(&allowed), 1);
        for (std::size_t cpu = 0; cpu < CPU_SETSIZE; ++cpu)
            if (CPU_ISSET(cpu, &allowed)) cpus.push_back(cpu);
    }
    CHECK_EQ(cpus.front(), cpus.back()); // in turn
    for (const std::size_t cpu : cpus) CHECK(CPU_ISSET(cpu, &all));
    CHECK_EQ(std::set(cpus.begin(), cpus.end()).size(), count);

    LoopPool free;
    CHECK_EQ(free.size(), count);
    const cpu_set_t allowed = free.call(0, [](EventLoop&) { return allowed_here(); });
    CHECK(CPU_EQUAL(&allowed, &all));
}

TEST_CASE("LoopPool: what the kernel refuses is an error that names it, and nothing is left") {
    const DescriptorLedger ledger;
    struct Refusal {
        const char* call;
        std::uint64_t nth;
        int error;
        const char* said;
    };
    for (const Refusal& refusal :
         {Refusal{"pthread_create", 2, EAGAIN, "pthread_create 2 of 3 loops"},
          Refusal{"pthread_setaffinity_np", 2, EINVAL, "pthread_setaffinity_np CPU "},
          Refusal{"sched_getaffinity", 1, EPERM, "sched_getaffinity"},
          Refusal{"eventfd", 3, EMFILE, "eventfd"}}) {
        const CallHook hook{[&](const CallPoint& call) {
            CallOutcome outcome;
            if (call.name != refusal.call || call.nth != refusal.nth) return outcome;
            if (call.name.starts_with("pthread"))
                outcome.result = refusal.error;
            else
                outcome.error = refusal.error;
            return outcome;
        }};
        std::string said;
        try {
            const LoopPool pool{{.loops = 3, .pinned = true}};
        } catch (const std::system_error& error) {
            said = error.what();
            CHECK_EQ(error.code().value(), refusal.error);
        }
        CHECK(said.starts_with(refusal.said));
    }
}

TEST_CASE("LoopPool: a kernel with more CPUs than fit is asked with more room") {
    const CallHook hook{[](const CallPoint& call) {
        CallOutcome outcome;
        if (call.name == "sched_getaffinity" && call.nth <= 2) outcome.error = EINVAL;
        return outcome;
    }};
    const cpu_set_t all = allowed_here();
    const LoopPool pool;
    CHECK_EQ(pool.size(), CPU_COUNT(&all));
}

TEST_CASE("LoopPool: in a forked child waiting throws, and stopping and destroying do nothing") {
    std::optional<LoopPool> pool{std::in_place, LoopPoolOptions{.loops = 2}};
    holds_in_child([&](const Expect& expect) {
        const auto throws = [](auto act) {
            try {
                act();
            } catch (const std::logic_error&) {
                return true;
            }
            return false;
        };
        expect(throws([&] { pool->call(0, [](EventLoop&) {}); }), "call throws");
        expect(throws([&] { static_cast<void>(pool->await(0, [](EventLoop&, const Task&) {})); }),
               "await throws");
        expect(throws([&] { pool->wait(); }), "wait throws");
        pool->stop();
        pool.reset();
#ifndef __SANITIZE_THREAD__ // which does not let such a child start threads
        LoopPool another{{.loops = 2}};
        expect(another.call(1, [](EventLoop&) { return 3; }) == 3, "another pool works");
#endif
    });
    CHECK_EQ(pool->call(1, [](EventLoop&) { return 3; }), 3); // the parent's goes on
}
