// Waiting for descriptors that are no streams.

#include "coro/library.hpp"
#include "support/calls.hpp"

#include <cerrno>
#include <fcntl.h>
#include <filesystem>
#include <optional>
#include <pollux/coro/descriptor.hpp>
#include <system_error>
#include <unistd.h>

using namespace pollux;
using namespace pollux_test;
using coro::Descriptor;
using coro::Scope;

CONTRACT_CASE("readable is told as at level, whatever the trigger", everywhere) {
    EventLoop loop{mode.backend};
    Scope scope{loop};
    const Ends pipe = pipe_ends();
    Descriptor input{loop, pipe.ours.get(), mode.trigger};
    std::string got;
    const auto reader = [&]() -> coro::Task<> {
        for (int i = 0; i < 6; ++i) {
            const Readiness ready = co_await input.readable();
            CHECK(has(ready, Readiness::readable));
            got += take(pipe.ours, 1);
        }
    };
    scope.start(reader());
    settle(loop);
    CHECK_EQ(got, "");
    put(pipe.theirs, "abc");
    settle(loop);
    CHECK_EQ(got, "abc");
    put(pipe.theirs, "def");
    settle(loop);
    CHECK_EQ(got, "abcdef");
    CHECK_EQ(scope.size(), 0);
}

CONTRACT_CASE("writable waits until there is room", everywhere) {
    EventLoop loop{mode.backend};
    Scope scope{loop};
    const Ends pipe = pipe_ends();
    fill(pipe.theirs);
    Descriptor output{loop, pipe.theirs.get(), mode.trigger};
    int times = 0;
    const auto writer = [&]() -> coro::Task<> {
        for (; times < 3; ++times) {
            const Readiness ready = co_await output.writable();
            CHECK(has(ready, Readiness::writable));
        }
    };
    scope.start(writer());
    settle(loop);
    CHECK_EQ(times, 0);
    while (!take(pipe.ours).empty()) {
    }
    settle(loop);
    CHECK_EQ(times, 3);
}

CONTRACT_CASE("one task may wait to read and one to write", everywhere) {
    EventLoop loop{mode.backend};
    Scope scope{loop};
    const Ends ends = unix_pair();
    Descriptor both{loop, ends.ours.get(), mode.trigger};
    fill(ends.ours);
    std::string seen;
    const auto reader = [&]() -> coro::Task<> {
        co_await both.readable();
        seen += 'r';
    };
    const auto writer = [&]() -> coro::Task<> {
        co_await both.writable();
        seen += 'w';
    };
    SUBCASE("the reader first") {
        scope.start(writer());
        scope.start(reader());
        put(ends.theirs, "x");
        settle(loop);
        CHECK_EQ(seen, "r");
        drain(ends.theirs);
    }
    SUBCASE("the writer first") {
        scope.start(reader());
        scope.start(writer());
        drain(ends.theirs);
        settle(loop);
        CHECK_EQ(seen, "w");
        put(ends.theirs, "x");
    }
    SUBCASE("both in one event") {
        scope.start(reader());
        scope.start(writer());
        put(ends.theirs, "x");
        drain(ends.theirs);
    }
    settle(loop);
    CHECK_EQ(seen.size(), 2);
    CHECK_EQ(scope.size(), 0);
}

CONTRACT_CASE("destroying it ends the waits with EBADF, the task that was resumed included",
              everywhere) {
    EventLoop loop{mode.backend};
    Scope scope{loop};
    const Ends ends = unix_pair();
    std::optional<Descriptor> both{std::in_place, loop, ends.ours.get(), mode.trigger};
    fill(ends.ours);
    int refused = 0;
    const auto wait = [&](bool read) -> coro::Task<> {
        try {
            if (read)
                co_await both->readable();
            else
                co_await both->writable();
            both.reset();
        } catch (const std::system_error& error) {
            CHECK_EQ(error.code().value(), EBADF);
            ++refused;
        }
    };
    scope.start(wait(true));
    scope.start(wait(false));
    SUBCASE("from outside") {
        both.reset();
        settle(loop);
        CHECK_EQ(refused, 2);
    }
    SUBCASE("by the reader") {
        put(ends.theirs, "x");
        settle(loop);
        CHECK_EQ(refused, 1);
    }
    SUBCASE("by the writer") {
        drain(ends.theirs);
        settle(loop);
        CHECK_EQ(refused, 1);
    }
    CHECK_EQ(scope.size(), 0);
}

CONTRACT_CASE("P14 a regular file is always ready", everywhere) {
    EventLoop loop{mode.backend};
    Scope scope{loop};
    const Fd file{::open("/proc/self/exe", O_RDONLY | O_CLOEXEC)};
    Descriptor ready{loop, file.get(), mode.trigger};
    int times = 0;
    const auto reader = [&]() -> coro::Task<> {
        for (; times < 5; ++times) co_await ready.readable();
        for (; times < 8; ++times) co_await ready.writable();
    };
    scope.start(reader());
    settle(loop); // … and nobody is called when nobody waits
    CHECK_EQ(times, 8);
}

CONTRACT_CASE("a wait that is given up leaves the descriptor to the next", everywhere) {
    EventLoop loop{mode.backend};
    const Ends ends = unix_pair();
    Descriptor both{loop, ends.ours.get(), mode.trigger};
    int woken = 0;
    const auto wait = [&]() -> coro::Task<> {
        co_await both.readable();
        ++woken;
    };
    const auto wait_to_write = [&]() -> coro::Task<> {
        co_await both.writable();
        ++woken;
    };
    fill(ends.ours);
    {
        Scope given_up{loop};
        given_up.start(wait());
        given_up.start(wait_to_write());
    }
    put(ends.theirs, "x");
    drain(ends.theirs);
    settle(loop);
    CHECK_EQ(woken, 0);
    Scope scope{loop};
    scope.start(wait());
    scope.start(wait_to_write());
    settle(loop);
    CHECK_EQ(woken, 2);
}

CONTRACT_CASE("P15 an exception of a resumed task leaves the watch as it is to be", everywhere) {
    EventLoop loop{mode.backend};
    Scope scope{loop};
    const Ends ends = unix_pair();
    Descriptor both{loop, ends.ours.get(), mode.trigger};
    fill(ends.ours);
    bool written = false;
    const auto reader = [&]() -> coro::Task<> {
        co_await both.readable();
        throw std::runtime_error{"reader"};
    };
    const auto writer = [&]() -> coro::Task<> {
        co_await both.writable();
        written = true;
    };
    scope.start(reader());
    scope.start(writer());
    put(ends.theirs, "x");
    CHECK_THROWS_WITH(settle(loop), "reader");
    drain(ends.theirs);
    settle(loop);
    CHECK(written);
    CHECK_EQ(scope.size(), 0);
}

CONTRACT_CASE("what the kernel refuses is told to who waits, and asked again for the next",
              on_epoll) {
    EventLoop loop{mode.backend};
    Scope scope{loop};
    const Ends ends = unix_pair();
    Descriptor both{loop, ends.ours.get(), mode.trigger};
    bool refuses = false;
    const Calls calls{[&](const CallPoint& call) {
        return call.name == "epoll_ctl" && refuses ? error_outcome(ENOMEM) : CallOutcome{};
    }};
    put(ends.theirs, "x");
    settle(loop); // nobody waits: it is given up where it would be told again
    take(ends.ours);
    int refused = 0;
    int woken = 0;
    const auto wait = [&](bool read) -> coro::Task<> {
        try {
            if (read)
                co_await both.readable();
            else
                co_await both.writable();
            ++woken;
        } catch (const std::system_error& failure) {
            CHECK_EQ(failure.code().value(), ENOMEM);
            ++refused;
        }
    };
    scope.start(wait(true)); // told of what was read
    CHECK_EQ(woken, 1);
    refuses = true;
    scope.start(wait(true));
    scope.start(wait(false));
    CHECK_GE(refused, 1);
    refuses = false;
    const bool read_refused = refused == 2;
    if (read_refused) scope.start(wait(true));
    scope.start(wait(false));
    put(ends.theirs, "x");
    settle(loop);
    CHECK_EQ(woken, 3);
    CHECK_EQ(scope.size(), 0);
}
