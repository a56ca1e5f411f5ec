// Tasks and other threads: stops from there, and work done there. The gate holds the threads where
// a test wants them; nobody sleeps.

#include "support/child.hpp"
#include "support/descriptor_ledger.hpp"
#include "support/gate.hpp"
#include "support/library_sockets.hpp"
#include "support/streams.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <cerrno>
#include <future>
#include <memory>
#include <optional>
#include <pollux/coro/connect.hpp>
#include <pollux/coro/scope.hpp>
#include <pollux/coro/sleep.hpp>
#include <pollux/coro/stoppable.hpp>
#include <pollux/coro/work.hpp>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

using namespace pollux;
using namespace pollux_test;
using namespace std::chrono_literals;
using coro::Scope;

namespace {

// A loop on a thread of its own.
class OtherLoop {
public:
    OtherLoop() : thread_{[this] { loop.run(); }} {}
    ~OtherLoop() {
        loop.stop();
        thread_.join();
    }
    OtherLoop(const OtherLoop&) = delete;
    OtherLoop& operator=(const OtherLoop&) = delete;

    std::thread::id id() const { return thread_.get_id(); }
    EventLoop loop;

private:
    std::thread thread_;
};

int error_of(const std::system_error& error) { return error.code().value(); }

} // namespace

TEST_CASE("a stop from another thread resumes the tasks on the loop's thread") {
    EventLoop loop;
    std::stop_source source;
    std::vector<std::thread::id> seen;
    const auto task = [&]() -> coro::Task<> {
        try {
            co_await coro::sleep(1h);
        } catch (const coro::Cancelled&) {
            seen.push_back(std::this_thread::get_id());
            throw;
        }
    };
    const auto bounded = [&]() -> coro::Task<> {
        try {
            co_await coro::stoppable(source.get_token(), task());
        } catch (const coro::Cancelled&) {
            seen.push_back(std::this_thread::get_id());
        }
    };
    Scope scope{loop, source.get_token()};
    Scope other{loop};
    SUBCASE("by the token of a scope") {
        for (int i = 0; i < 10; ++i) scope.start(task());
    }
    SUBCASE("by the token of a task") {
        for (int i = 0; i < 5; ++i) other.start(bounded());
    }
    SUBCASE("before they start") { source.request_stop(); }
    std::thread stopper{[&] { source.request_stop(); }};
    run_until(loop, [&] { return scope.size() + other.size() == 0; });
    stopper.join();
    if (seen.empty()) {
        for (int i = 0; i < 10; ++i) scope.start(task());
    }
    CHECK_EQ(scope.size(), 0);
    CHECK_EQ(seen, std::vector<std::thread::id>(10, std::this_thread::get_id()));
}

TEST_CASE("request_stop of a scope may be called by any thread") {
    EventLoop loop;
    Scope scope{loop};
    const auto task = []() -> coro::Task<> { co_await coro::sleep(1h); };
    scope.start(task());
    std::thread stopper{[&] { scope.request_stop(); }};
    run_until(loop, [&] { return scope.size() == 0; });
    stopper.join();
    CHECK(scope.stop_requested());
}

TEST_CASE("a scope may be asked to stop again while it looks whom to stop") {
    EventLoop loop;
    Scope scope{loop};
    std::atomic<bool> over{false};
    std::thread stopper{[&] {
        while (!over.load()) scope.request_stop();
    }};
    std::size_t looked = 0;
    while (looked < 2'000) looked += loop.run_once(1s);
    over.store(true);
    stopper.join();
    settle(loop);
    CHECK(scope.stop_requested());
}

TEST_CASE("a scope may go while another thread asks it to stop") {
    const auto task = []() -> coro::Task<> { co_await coro::sleep(1h); };
    const auto bounded = [&](std::stop_token token) -> coro::Task<> {
        co_await coro::stoppable(std::move(token), task());
    };
    for (int round = 0; round < 200; ++round) {
        EventLoop loop;
        std::stop_source source;
        std::thread stopper{[&] { source.request_stop(); }};
        {
            Scope scope{loop, source.get_token()};
            Scope other{loop};
            scope.start(task());
            other.start(bounded(source.get_token()));
            if (round % 2 == 0) loop.run_once(Timeout::zero());
        }
        stopper.join();
        settle(loop);
    }
}

TEST_CASE("work runs on the pool's thread, and its value or exception comes to the task") {
    const DescriptorLedger ledger;
    EventLoop loop;
    WorkerPool pool;
    Scope scope{loop};
    std::vector<std::string> seen;
    const auto task = [&]() -> coro::Task<> {
        const std::thread::id home = std::this_thread::get_id();
        std::thread::id worked_on;
        const int value = co_await coro::work(pool, [&] {
            worked_on = std::this_thread::get_id();
            return 42;
        });
        CHECK_EQ(value, 42);
        CHECK_NE(worked_on, home);
        CHECK_EQ(std::this_thread::get_id(), home);
        auto move_only = [kept = std::make_unique<int>(7)]() mutable { return std::move(kept); };
        const std::unique_ptr<int> box = co_await coro::work(pool, std::move(move_only));
        CHECK_EQ(*box, 7);
        try {
            co_await coro::work(pool, [] { throw std::runtime_error{"worker"}; });
        } catch (const std::runtime_error& error) {
            seen.emplace_back(error.what());
        }
    };
    scope.start(task());
    run_until(loop, [&] { return scope.size() == 0; });
    CHECK_EQ(seen, std::vector<std::string>{"worker"});
}

TEST_CASE("a full queue is EAGAIN, and a pool that goes before the work began ECANCELED") {
    EventLoop loop;
    Scope scope{loop};
    std::optional<WorkerPool> pool{WorkerPoolOptions{.threads = 1, .queue_limit = 1}};
    Gate gate;
    std::promise<void> begun;
    std::vector<int> errors;
    int ended = 0;
    const auto blocking = [&]() -> coro::Task<> {
        co_await coro::work(*pool, [&] {
            begun.set_value();
            gate.wait();
        });
        ++ended;
    };
    const auto quick = [&]() -> coro::Task<> {
        try {
            co_await coro::work(*pool, [] {});
        } catch (const std::system_error& error) {
            errors.push_back(error_of(error));
        }
    };
    scope.start(blocking());
    begun.get_future().wait();
    scope.start(quick()); // waits
    scope.start(quick()); // is refused
    CHECK_EQ(errors, std::vector<int>{EAGAIN});
    gate.open(); // the thread may still begin the work that waits before the pool goes
    pool.reset();
    run_until(loop, [&] { return scope.size() == 0; });
    CHECK_EQ(ended, 1);
    CHECK_LE(errors.size(), 2);
    if (errors.size() == 2) CHECK_EQ(errors[1], ECANCELED);
}

TEST_CASE("a stop waits for work that runs, and skips what has not begun") {
    EventLoop loop;
    WorkerPool pool{{.threads = 1}};
    Scope scope{loop};
    Gate gate;
    std::promise<void> begun;
    std::vector<std::string> seen;
    const auto task = [&](std::string name, bool blocks) -> coro::Task<> {
        std::string local = "untouched"; // the work refers to it
        try {
            co_await coro::work(pool, [&] {
                if (blocks) begun.set_value();
                gate.wait();
                local = "touched";
            });
        } catch (const coro::Cancelled&) {
            seen.push_back(name + " " + local);
        }
    };
    scope.start(task("runs", true));
    scope.start(task("waits", false));
    begun.get_future().wait();
    scope.request_stop();
    run_until(loop, [&] { return scope.size() == 1; });
    CHECK_EQ(seen, std::vector<std::string>{"waits untouched"});
    gate.open();
    run_until(loop, [&] { return scope.size() == 0; });
    CHECK_EQ(seen.back(), "runs touched");
}

TEST_CASE("destroying the task waits for work that runs, and skips what has not begun") {
    EventLoop loop;
    WorkerPool pool{{.threads = 1}};
    Gate gate;
    std::promise<void> begun;
    std::atomic<int> worked{0};
    std::vector<int> locals;
    const auto task = [&](bool blocks) -> coro::Task<> {
        int local = 0;
        const auto look = std::shared_ptr<void>{nullptr, [&](void*) { locals.push_back(local); }};
        co_await coro::work(pool, [&] {
            if (blocks) begun.set_value();
            gate.wait();
            ++worked;
            local = 1;
        });
    };
    std::optional<Scope> runs{loop};
    std::optional<Scope> waits{loop};
    runs->start(task(true));
    waits->start(task(false));
    begun.get_future().wait();
    waits.reset(); // does not block
    std::thread opener{[&] { gate.open(); }};
    runs.reset();
    opener.join();
    CHECK_EQ(locals, std::vector<int>{0, 1});
    settle(loop); // what comes home late finds nobody
    CHECK_EQ(worked, 1);
}

TEST_CASE("what skipped work keeps goes before the frame it may refer to") {
    EventLoop loop;
    EventLoop other; // never runs
    std::vector<int> gone;
    const auto note = [&](int number) {
        return std::shared_ptr<void>{nullptr, [&gone, number](void*) { gone.push_back(number); }};
    };
    const auto task = [&]() -> coro::Task<> {
        const auto local = note(2);
        auto callable = [kept = note(1)] {};
        co_await coro::posted(other, std::move(callable));
    };
    Scope stopped{loop};
    std::optional<Scope> destroyed{loop};
    SUBCASE("destroyed") {
        destroyed->start(task());
        destroyed.reset();
    }
    SUBCASE("stopped") {
        stopped.start(task());
        stopped.request_stop();
        settle(loop);
    }
    CHECK_EQ(gone, std::vector<int>{1, 2});
}

TEST_CASE("posted runs on the other loop's thread, and comes back") {
    OtherLoop other;
    EventLoop loop;
    Scope scope{loop};
    bool failed = false;
    const auto task = [&]() -> coro::Task<> {
        const std::thread::id home = std::this_thread::get_id();
        const std::thread::id there =
            co_await coro::posted(other.loop, [] { return std::this_thread::get_id(); });
        CHECK_EQ(there, other.id());
        CHECK_EQ(std::this_thread::get_id(), home);
        try {
            co_await coro::posted(other.loop, [] { throw std::runtime_error{"there"}; });
        } catch (const std::runtime_error&) {
            failed = true;
        }
        CHECK_EQ(co_await coro::posted(loop, [] { return 5; }), 5); // its own loop
    };
    scope.start(task());
    run_until(loop, [&] { return scope.size() == 0; });
    CHECK(failed);
}

TEST_CASE("posted to a loop that goes before is ECANCELED") {
    EventLoop loop;
    Scope scope{loop};
    std::optional<EventLoop> other{std::in_place};
    int error = 0;
    bool ran = false;
    const auto task = [&]() -> coro::Task<> {
        try {
            co_await coro::posted(*other, [&] { ran = true; });
        } catch (const std::system_error& failure) {
            error = error_of(failure);
        }
    };
    scope.start(task());
    other.reset();
    settle(loop);
    CHECK_EQ(error, ECANCELED);
    CHECK_FALSE(ran);
}

TEST_CASE("posted work may destroy the task that awaits it, on the same thread") {
    EventLoop loop;
    std::optional<Scope> scope{loop};
    bool ran = false;
    const auto task = [&]() -> coro::Task<> {
        co_await coro::posted(loop, [&] {
            scope.reset();
            ran = true;
        });
    };
    scope->start(task());
    settle(loop);
    CHECK(ran);
    CHECK_FALSE(scope);
}

TEST_CASE("tasks of two loops ask each other, and both may be destroyed at any moment") {
    for (int round = 0; round < 50; ++round) {
        OtherLoop other;
        EventLoop loop;
        int answers = 0;
        const auto ask = [&]() -> coro::Task<> {
            for (;;) answers += co_await coro::posted(other.loop, [] { return 1; });
        };
        Scope scope{loop};
        for (int i = 0; i < 4; ++i) scope.start(ask());
        run_until(loop, [&] { return answers >= round; });
    }
}

TEST_CASE("P13 in a forked child nobody waits for work that runs in the parent") {
    EventLoop loop;
    WorkerPool pool{{.threads = 1}};
    Gate gate;
    std::promise<void> begun;
    bool cancelled = false;
    const auto task = [&]() -> coro::Task<> {
        try {
            co_await coro::work(pool, [&] {
                begun.set_value();
                gate.wait();
            });
        } catch (const coro::Cancelled&) {
            cancelled = true;
        }
    };
    std::optional<Scope> stopped{loop};
    stopped->start(task());
    begun.get_future().wait();
    holds_in_child([&](const Expect& expect) {
        loop.after_fork();
        stopped->request_stop();
        loop.run_once(Timeout::zero());
        expect(cancelled, "the task is stopped");
        stopped.reset();
    });
    holds_in_child([&](const Expect&) { stopped.reset(); });
    gate.open();
    run_until(loop, [&] { return stopped->size() == 0; });
    CHECK_FALSE(cancelled);
}

TEST_CASE("2 000 tasks with work elsewhere, stopped or destroyed wherever they are") {
    constexpr int at_once = 100;
    std::atomic<int> live{0};
    for (int round = 0; round < 20; ++round) {
        OtherLoop other;
        EventLoop loop;
        WorkerPool pool{{.threads = 2}};
        std::stop_source source;
        int done = 0;
        // The work counts what it refers to: the variables of a frame that is still there.
        const auto task = [&](bool by_pool) -> coro::Task<> {
            struct Local {
                std::atomic<int>* count;
                int touched = 0;
                explicit Local(std::atomic<int>& of) : count{&of} { ++*count; }
                Local(const Local&) = delete;
                Local& operator=(const Local&) = delete;
                ~Local() { --*count; }
            } local{live};
            const auto touch = [&local] { return ++local.touched; };
            for (int turn = 1;; ++turn, ++done) {
                const int touched = by_pool ? co_await coro::work(pool, touch)
                                            : co_await coro::posted(other.loop, touch);
                CHECK_EQ(touched, turn);
            }
        };
        Scope scope{loop, source.get_token()};
        for (int i = 0; i < at_once; ++i) scope.start(task(i % 2 == 0));
        run_until(loop, [&] { return done >= 10 * round; });
        if (round % 2 == 0) continue; // destroyed
        std::thread stopper{[&] { source.request_stop(); }};
        run_until(loop, [&] { return scope.size() == 0; });
        stopper.join();
    }
    CHECK_EQ(live, 0);
}

TEST_CASE("connect by name looks the name up") {
    EventLoop loop;
    WorkerPool pool;
    Resolver resolver{loop, pool};
    Scope scope{loop};
    const Fd listening = tcp_listener();
    bool connected = false;
    const auto connect = [&]() -> coro::Task<> {
        const std::string port = std::to_string(port_of(listening));
        const Socket socket = co_await coro::connect(resolver, "127.0.0.1", port, 10s);
        connected = static_cast<bool>(socket);
        try {
            co_await coro::connect(resolver, "127.0.0.1", "no-such-service", 10s);
        } catch (const std::system_error& error) {
            CHECK(std::string_view{error.what()}.starts_with("connect 127.0.0.1: "));
        }
    };
    scope.start(connect());
    run_until(loop, [&] { return scope.size() == 0; });
    CHECK(connected);
}
