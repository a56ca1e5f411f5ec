// Tasks by themselves: values, exceptions, lifetime, and a stack that does not grow.

#include "support/stack_depth.hpp"
#include "support/streams.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <pollux/coro/scope.hpp>
#include <pollux/coro/sleep.hpp>
#include <stdexcept>
#include <string>
#include <vector>

using namespace pollux;
using namespace pollux_test;

namespace {

// Counts itself: how many there are, and how many there were.
struct Counted {
    explicit Counted(int& count) : live{&count} { ++*live; }
    Counted(const Counted&) = delete;
    Counted& operator=(const Counted&) = delete;
    ~Counted() { --*live; }
    int* live;
};

coro::Task<int> value(int of) { co_return of; }
coro::Task<std::unique_ptr<int>> boxed(int of) { co_return std::make_unique<int>(of); }
coro::Task<> nothing() { co_return; }
coro::Task<int> failing(std::string text) {
    co_await coro::next_turn();
    throw std::runtime_error{text};
}

} // namespace

TEST_CASE("a task gives its value to the frame that awaits it") {
    EventLoop loop;
    coro::Scope scope{loop};
    int sum = 0;
    const auto add = [&]() -> coro::Task<> {
        sum += co_await value(1);
        coro::Task<int> later = value(2);
        sum += co_await std::move(later);
        sum += *co_await boxed(4);
        co_await nothing();
    };
    scope.start(add());
    CHECK_EQ(sum, 7);
    CHECK_EQ(scope.size(), 0);
}

TEST_CASE("an exception reaches the frame that awaits, through frames that wait") {
    EventLoop loop;
    coro::Scope scope{loop};
    std::string seen;
    const auto middle = [](std::string text) -> coro::Task<int> {
        co_return co_await failing(std::move(text)) + 1;
    };
    const auto outer = [&]() -> coro::Task<> {
        try {
            co_await middle("inner");
        } catch (const std::runtime_error& error) {
            seen = error.what();
        }
    };
    scope.start(outer());
    CHECK_EQ(seen, "");
    settle(loop);
    CHECK_EQ(seen, "inner");
    CHECK_EQ(scope.size(), 0);
}

TEST_CASE("a task does not run before it is awaited, and may never run") {
    bool ran = false;
    int live = 0;
    const auto note = [](bool& flag, std::unique_ptr<Counted>) -> coro::Task<> {
        flag = true;
        co_return;
    };
    {
        const coro::Task<> task = note(ran, std::make_unique<Counted>(live));
        CHECK_EQ(live, 1);
    }
    CHECK_FALSE(ran);
    CHECK_EQ(live, 0);
}

TEST_CASE("a task is awaited or started once") {
    EventLoop loop;
    coro::Scope scope{loop};
    coro::Task<int> once = value(1);
    int failures = 0;
    const auto twice = [&]() -> coro::Task<> {
        co_await std::move(once);
        try {
            co_await std::move(once); // NOLINT(bugprone-use-after-move): that is the test
        } catch (const std::logic_error&) {
            ++failures;
        }
    };
    scope.start(twice());
    CHECK_EQ(failures, 1);
    coro::Task<> started = nothing();
    scope.start(std::move(started));
    CHECK_THROWS_AS(scope.start(std::move(started)), std::logic_error); // NOLINT
}

TEST_CASE("the frame of a child goes when the await is over") {
    EventLoop loop;
    coro::Scope scope{loop};
    int live = 0;
    std::vector<int> seen;
    const auto child = [](std::unique_ptr<Counted>) -> coro::Task<> { co_return; };
    const auto parent = [&]() -> coro::Task<> {
        co_await child(std::make_unique<Counted>(live));
        seen.push_back(live);
    };
    scope.start(parent());
    CHECK_EQ(seen, std::vector<int>{0});
}

TEST_CASE("a million children that end at once do not grow the stack") {
    EventLoop loop;
    coro::Scope scope{loop};
    StackDepth depth;
    long sum = 0;
    const auto child = [](StackDepth& seen) -> coro::Task<int> {
        seen.look();
        co_return 1;
    };
    const auto parent = [&]() -> coro::Task<> {
        for (int i = 0; i < 1'000'000; ++i) sum += co_await child(depth);
    };
    scope.start(parent());
    CHECK_EQ(sum, 1'000'000);
    CHECK_LT(depth.range(), 1024);
}

namespace {

coro::Task<long> descend(int levels, StackDepth& depth, int& live, bool stays) {
    const Counted counted{live};
    depth.look();
    if (levels == 0) {
        if (stays) co_await coro::sleep(std::chrono::hours{1});
        co_await coro::next_turn();
        depth.look();
        co_return 0;
    }
    const long below = co_await descend(levels - 1, depth, live, stays);
    depth.look();
    co_return below + 1;
}

constexpr int deep = 100'000;

} // namespace

TEST_CASE("a chain of 100 000 tasks, down and up, does not grow the stack") {
    EventLoop loop;
    coro::Scope scope{loop};
    StackDepth depth;
    int live = 0;
    long levels = 0;
    const auto root = [&]() -> coro::Task<> {
        levels = co_await descend(deep, depth, live, false);
    };
    scope.start(root());
    CHECK_EQ(live, deep + 1);
    settle(loop);
    CHECK_EQ(levels, deep);
    CHECK_EQ(live, 0);
    CHECK_LT(depth.range(), 16384); // begun by the test, gone on by the loop
}

TEST_CASE("a chain of 100 000 frames that wait is destroyed without recursion") {
    struct Look {
        StackDepth* depth;
        ~Look() { depth->look(); }
    };
    const auto wait_deep = [](auto self, int levels, StackDepth& depth) -> coro::Task<> {
        const Look look{&depth};
        if (levels == 0)
            co_await coro::sleep(std::chrono::hours{1});
        else
            co_await self(self, levels - 1, depth);
    };
    EventLoop loop;
    StackDepth depth;
    {
        coro::Scope scope{loop};
        scope.start(wait_deep(wait_deep, deep, depth));
        CHECK_EQ(scope.size(), 1);
    }
    CHECK_LT(depth.range(), 1024);
}

TEST_CASE("an exception unwinds a chain of 10 000 tasks without recursion") {
    const auto throw_deep = [](auto self, int levels, StackDepth& depth) -> coro::Task<> {
        depth.look();
        if (levels == 0) throw std::runtime_error{"deep"};
        co_await self(self, levels - 1, depth);
    };
    EventLoop loop;
    coro::Scope scope{loop};
    StackDepth depth;
    CHECK_THROWS_WITH(scope.start(throw_deep(throw_deep, 10'000, depth)), "deep");
    CHECK_EQ(scope.size(), 0);
    CHECK_LT(depth.range(), 1024);
}
