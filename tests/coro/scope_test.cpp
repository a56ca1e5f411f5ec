// A scope owns its tasks: how they start, end, fail and go.

#include "support/streams.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <optional>
#include <pollux/coro/scope.hpp>
#include <pollux/coro/sleep.hpp>
#include <stdexcept>
#include <string>
#include <vector>

using namespace pollux;
using namespace pollux_test;
using namespace std::chrono_literals;
using coro::Scope;

namespace {

coro::Task<> wait_long() { co_await coro::sleep(1h); }
coro::Task<> turns_then(int turns, UniqueFunction<void()> act) {
    while (turns-- > 0) co_await coro::next_turn();
    act();
}
coro::Task<> fail_after(int turns, std::string text) {
    while (turns-- > 0) co_await coro::next_turn();
    throw std::runtime_error{text};
}

std::string text_of(const std::exception_ptr& failure) {
    try {
        std::rethrow_exception(failure);
    } catch (const std::exception& error) {
        return error.what();
    }
}

} // namespace

TEST_CASE("a started task runs at once until it waits") {
    EventLoop loop;
    Scope scope{loop};
    std::vector<int> seen;
    const auto task = [&]() -> coro::Task<> {
        seen.push_back(1);
        co_await coro::next_turn();
        seen.push_back(3);
    };
    scope.start(task());
    seen.push_back(2);
    CHECK_EQ(scope.size(), 1);
    settle(loop);
    CHECK_EQ(seen, std::vector<int>{1, 2, 3});
    CHECK_EQ(scope.size(), 0);
    CHECK_EQ(&scope.loop(), &loop);
}

TEST_CASE("a scope that goes destroys its tasks where they wait, innermost frame first") {
    struct Note {
        std::vector<int>* to;
        int number;
        ~Note() { to->push_back(number); }
    };
    std::vector<int> gone;
    const auto inner = [&]() -> coro::Task<> {
        const Note note{&gone, 1};
        co_await coro::sleep(1h);
        gone.push_back(99);
    };
    const auto outer = [&]() -> coro::Task<> {
        const Note note{&gone, 2};
        co_await inner();
        gone.push_back(99);
    };
    EventLoop loop;
    std::optional<Scope> scope{loop};
    scope->start(outer());
    scope.reset();
    CHECK_EQ(gone, std::vector<int>{1, 2});
    settle(loop);
}

TEST_CASE("a scope may be destroyed by one of its own tasks") {
    EventLoop loop;
    std::optional<Scope> scope{loop};
    std::vector<int> seen;
    const auto other = [&]() -> coro::Task<> {
        const auto gone = std::shared_ptr<void>{nullptr, [&](void*) { seen.push_back(2); }};
        co_await coro::sleep(1h);
    };
    const auto suicidal = [&](bool waits_once) -> coro::Task<> {
        const auto gone = std::shared_ptr<void>{nullptr, [&](void*) { seen.push_back(4); }};
        if (waits_once) co_await coro::next_turn();
        seen.push_back(1);
        scope.reset();
        seen.push_back(3); // it runs on …
        co_await coro::sleep(1h);
        seen.push_back(99); // … until it waits
    };
    SUBCASE("in start") {
        scope->start(other());
        scope->start(suicidal(false));
    }
    SUBCASE("in the loop") {
        scope->start(other());
        scope->start(suicidal(true));
        settle(loop);
    }
    CHECK_EQ(seen, std::vector<int>{1, 2, 3, 4});
    CHECK_FALSE(scope);
    settle(loop);
}

TEST_CASE("… by a task that then awaits another, ends or throws") {
    EventLoop loop;
    std::optional<Scope> scope{loop};
    bool child_ran = false;
    const auto child = [&]() -> coro::Task<> {
        child_ran = true;
        co_return;
    };
    const auto task = [&](int then) -> coro::Task<> {
        co_await coro::next_turn();
        scope.reset();
        if (then == 0) co_await child();
        if (then == 1) throw std::runtime_error{"last words"};
    };
    SUBCASE("awaits a task") { scope->start(task(0)); }
    SUBCASE("throws: there is nobody else to be told") {
        scope->start(task(1));
        CHECK_THROWS_WITH(loop.run_once(Timeout::zero()), "last words");
    }
    SUBCASE("ends") { scope->start(task(2)); }
    settle(loop);
    CHECK_FALSE(child_ran);
    CHECK_FALSE(scope);
}

TEST_CASE("… by a task that another one of it starts") {
    EventLoop loop;
    std::optional<Scope> scope{loop};
    std::vector<int> seen;
    const auto inner = [&]() -> coro::Task<> {
        scope.reset();
        seen.push_back(1);
        co_await coro::next_turn();
        seen.push_back(99);
    };
    const auto outer = [&]() -> coro::Task<> {
        scope->start(inner());
        seen.push_back(2);
        co_await coro::next_turn();
        seen.push_back(99);
    };
    scope->start(outer());
    settle(loop);
    CHECK_EQ(seen, std::vector<int>{1, 2});
}

TEST_CASE("what frames start while their scope goes is dropped") {
    EventLoop loop;
    std::optional<Scope> scope{loop};
    bool ran = false;
    const auto never = [&]() -> coro::Task<> {
        ran = true;
        co_return;
    };
    const auto task = [&]() -> coro::Task<> {
        Scope* const mine = &*scope;
        const auto last =
            std::shared_ptr<void>{nullptr, [&, mine](void*) { mine->start(never()); }};
        co_await coro::sleep(1h);
    };
    scope->start(task());
    scope.reset();
    CHECK_FALSE(ran);
}

TEST_CASE("P15 an exception of a task leaves start, or run, and the others go on") {
    EventLoop loop;
    Scope scope{loop};
    int ran = 0;
    CHECK_THROWS_WITH(scope.start(fail_after(0, "at once")), "at once");
    scope.start(turns_then(1, [&] { ++ran; }));
    scope.start(fail_after(1, "first"));
    scope.start(fail_after(1, "second"));
    scope.start(turns_then(1, [&] { ++ran; }));
    CHECK_THROWS_WITH(loop.run_once(Timeout::zero()), "first");
    CHECK_EQ(ran, 1);
    CHECK_THROWS_WITH(loop.run_once(Timeout::zero()), "second");
    settle(loop);
    CHECK_EQ(ran, 2);
    CHECK_EQ(scope.size(), 0);
}

TEST_CASE("set_on_error is told of each exception, and may destroy the scope") {
    EventLoop loop;
    std::optional<Scope> scope{loop};
    std::vector<std::string> told;
    scope->set_on_error([&](const std::exception_ptr& failure) {
        told.push_back(text_of(failure));
        if (told.size() == 3) scope.reset();
    });
    scope->start(fail_after(0, "a"));
    scope->start(fail_after(1, "b"));
    scope->start(fail_after(2, "c"));
    scope->start(wait_long());
    settle(loop);
    CHECK_EQ(told, std::vector<std::string>{"a", "b", "c"});
    CHECK_FALSE(scope);
}

TEST_CASE("set_on_error is not told once the scope is gone") {
    EventLoop loop;
    std::optional<Scope> scope{loop};
    int told = 0;
    scope->set_on_error([&](const std::exception_ptr&) { ++told; });
    scope->start(turns_then(1, [&] {
        scope.reset();
        throw std::runtime_error{"last words"};
    }));
    CHECK_THROWS_WITH(loop.run_once(Timeout::zero()), "last words");
    CHECK_EQ(told, 0);
}

TEST_CASE("a scope may be destroyed by what a scope in one of its frames tells or runs") {
    EventLoop loop;
    std::optional<Scope> scope{loop};
    int gone = 0;
    const auto other = [&]() -> coro::Task<> {
        const auto note = std::shared_ptr<void>{nullptr, [&](void*) { ++gone; }};
        co_await coro::sleep(1h);
    };
    const auto outer = [&](bool fails) -> coro::Task<> {
        const auto note = std::shared_ptr<void>{nullptr, [&](void*) { ++gone; }};
        Scope inner{loop};
        inner.set_on_error([&](const std::exception_ptr&) { scope.reset(); });
        inner.start(other());
        inner.start(fails ? fail_after(1, "failed") : turns_then(1, [&] { scope.reset(); }));
        inner.start(other());
        co_await inner.join();
        gone += 100;
    };
    SUBCASE("its set_on_error") { scope->start(outer(true)); }
    SUBCASE("its task") { scope->start(outer(false)); }
    settle(loop);
    CHECK_FALSE(scope);
    CHECK_EQ(gone, 3);
}

TEST_CASE("join waits until all have ended") {
    EventLoop loop;
    Scope scope{loop};
    std::vector<int> seen;
    const auto both = [&]() -> coro::Task<> {
        Scope inner{loop};
        co_await inner.join(); // of none
        inner.start(turns_then(3, [&] { seen.push_back(2); }));
        inner.start(turns_then(1, [&] { seen.push_back(1); }));
        co_await inner.join();
        seen.push_back(3);
        inner.start(turns_then(0, [&] { seen.push_back(4); }));
        inner.start(turns_then(1, [&] { seen.push_back(5); }));
        co_await inner.join();
        seen.push_back(6);
    };
    scope.start(both());
    settle(loop);
    CHECK_EQ(seen, std::vector<int>{1, 2, 3, 4, 5, 6});
    CHECK_EQ(scope.size(), 0);
}

TEST_CASE("join waits for whoever is started in the turn in which the others ended") {
    EventLoop loop;
    Scope scope{loop};
    Scope others{loop};
    int ended = 0;
    others.start(turns_then(1, [&] { ++ended; }));
    scope.start(turns_then(1, [&] { others.start(turns_then(3, [&] { ++ended; })); }));
    const auto joining = [&]() -> coro::Task<> {
        co_await others.join();
        CHECK_EQ(ended, 2);
        ++ended;
    };
    scope.start(joining());
    settle(loop);
    CHECK_EQ(ended, 3);
    CHECK_EQ(scope.size(), 0);
}

TEST_CASE("join rethrows the first failure, when the siblings it stopped have ended") {
    EventLoop loop;
    Scope scope{loop};
    std::vector<std::string> seen;
    const auto tidy = [&]() -> coro::Task<> {
        try {
            co_await coro::sleep(1h);
        } catch (const coro::Cancelled&) {
            seen.emplace_back("stopped");
            throw;
        }
    };
    const auto outer = [&]() -> coro::Task<> {
        Scope inner{loop};
        inner.start(tidy());
        inner.start(fail_after(1, "first"));
        inner.start(fail_after(1, "second"));
        try {
            co_await inner.join();
        } catch (const std::runtime_error& error) {
            seen.emplace_back(error.what());
            CHECK_EQ(inner.size(), 0);
        }
    };
    scope.start(outer());
    settle(loop);
    CHECK_EQ(seen, std::vector<std::string>{"stopped", "first"});
}

TEST_CASE("a task that is stopped in join stops those it waits for, and waits for them") {
    EventLoop loop;
    Scope scope{loop};
    std::vector<int> seen;
    const auto slow_to_end = [&]() -> coro::Task<> {
        try {
            co_await coro::sleep(1h);
        } catch (const coro::Cancelled&) {
            seen.push_back(1);
        }
    };
    const auto outer = [&](bool waits) -> coro::Task<> {
        Scope inner{loop};
        if (waits) inner.start(slow_to_end());
        const auto join = [&]() -> coro::Task<> {
            try {
                co_await inner.join();
            } catch (const coro::Cancelled&) {
                seen.push_back(2);
                CHECK_EQ(inner.size(), 0);
                throw;
            }
        };
        co_await join();
        seen.push_back(99);
    };
    SUBCASE("while it waits") {
        scope.start(outer(true));
        scope.request_stop();
    }
    SUBCASE("before it waits") {
        scope.request_stop();
        scope.start(outer(true));
    }
    settle(loop);
    CHECK_EQ(seen, std::vector<int>{1, 2});
    CHECK_EQ(scope.size(), 0);
}

TEST_CASE("who waits in join goes on when the scope is destroyed") {
    EventLoop loop;
    Scope scope{loop};
    std::optional<Scope> other{loop};
    other->start(wait_long());
    bool went_on = false;
    const auto waiting = [&]() -> coro::Task<> {
        co_await other->join();
        went_on = true;
    };
    scope.start(waiting());
    other.reset();
    CHECK_FALSE(went_on); // nobody is called by a destructor
    settle(loop);
    CHECK(went_on);
}

TEST_CASE("join refuses a second one, a task of the scope itself, and one of another loop") {
    EventLoop loop;
    EventLoop elsewhere;
    Scope scope{loop};
    Scope others{loop};
    Scope far{elsewhere};
    others.start(wait_long());
    const auto joining = [](Scope& of) -> coro::Task<> { co_await of.join(); };
    scope.start(joining(others));
    CHECK_THROWS_AS(scope.start(joining(others)), std::logic_error);
    CHECK_THROWS_AS(scope.start(joining(scope)), std::logic_error);
    far.start(wait_long());
    CHECK_THROWS_AS(scope.start(joining(far)), std::logic_error);
}

TEST_CASE("a scope may outlive its loop") {
    std::optional<EventLoop> loop{std::in_place};
    std::optional<Scope> scope{*loop};
    int gone = 0;
    const auto task = [&]() -> coro::Task<> {
        const auto note = std::shared_ptr<void>{nullptr, [&](void*) { ++gone; }};
        co_await coro::sleep(1h);
    };
    scope->start(task());
    scope->start(turns_then(1, [] {}));
    loop.reset();
    CHECK_EQ(gone, 0);
    scope.reset();
    CHECK_EQ(gone, 1);
}
