// What coroutines cost: allocations and system calls. A program of its own, because it replaces
// operator new.

#include "coro/library.hpp"
#include "support/allocations.hpp"
#include "support/calls.hpp"

#include <algorithm>
#include <array>
#include <fcntl.h>
#include <pollux/coro/acceptor.hpp>
#include <pollux/coro/connect.hpp>
#include <pollux/coro/within.hpp>
#include <pollux/instruments/calls.hpp>
#include <pollux/stream/connection_set.hpp>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

using namespace pollux;
using namespace pollux_test;
using namespace std::chrono_literals;
using coro::Scope;

namespace {

// How many allocations a thousand rounds make, after ten others.
template <class Round> std::size_t allocations_of(Round round) {
    for (int i = 0; i < 10; ++i) round();
    const std::size_t before = allocations().calls;
    for (int i = 0; i < 1000; ++i) round();
    return allocations().calls - before;
}

void ping(const Fd& peer, EventLoop& loop) {
    std::array<char, 16> answer{};
    REQUIRE_EQ(::write(peer.get(), "ping", 4), 4);
    loop.run_once();
    REQUIRE_EQ(::read(peer.get(), answer.data(), answer.size()), 4);
}

std::vector<CallCount> calls_of_pings(const Fd& peer, EventLoop& loop) {
    for (int i = 0; i < 10; ++i) ping(peer, loop);
    const std::vector<CallCount> before = call_counts();
    for (int i = 0; i < 100; ++i) ping(peer, loop);
    std::vector<CallCount> after = call_counts();
    for (CallCount& count : after)
        for (const CallCount& earlier : before)
            if (count.name == earlier.name) count.made -= earlier.made;
    std::erase_if(after, [](const CallCount& count) { return count.made == 0; });
    return after;
}

} // namespace

CONTRACT_CASE("an echo by a task allocates nothing once it is under way", everywhere) {
    EventLoop loop{mode.backend};
    Scope scope{loop};
    Talk talk{loop, mode};
    scope.start(echo(std::move(talk.ours)));
    CHECK_EQ(allocations_of([&] { ping(talk.theirs, loop); }), 0);
}

CONTRACT_CASE("nor do waiting for a descriptor, for time, and for the next turn", everywhere) {
    EventLoop loop{mode.backend};
    Scope scope{loop};
    Talk talk{loop, mode};
    int rounds = 0;
    const auto task = [&]() -> coro::Task<> {
        for (;; ++rounds) {
            std::byte byte{};
            co_await talk.ours.readable();
            co_await talk.ours.read({&byte, 1});
            co_await talk.ours.writable();
            co_await coro::sleep(0s);
            co_await coro::next_turn();
        }
    };
    scope.start(task());
    const auto once = [&] {
        const int before = rounds;
        REQUIRE_EQ(::write(talk.theirs.get(), "x", 1), 1);
        while (rounds == before) loop.run_once();
    };
    CHECK_EQ(allocations_of(once), 0);
}

CONTRACT_CASE("a child costs its frame, a deadline nothing, a started task two", everywhere) {
    EventLoop loop{mode.backend};
    Scope scope{loop};
    const auto child = []() -> coro::Task<> { co_return; };
    int rounds = 0;
    const auto parent = [&](bool bounded) -> coro::Task<> {
        for (; rounds < 1100; ++rounds) {
            if (bounded)
                co_await coro::within(1h, child());
            else
                co_await child();
            co_await coro::next_turn();
        }
    };
    for (const bool bounded : {false, true}) {
        rounds = 0;
        scope.start(parent(bounded));
        CHECK_EQ(allocations_of([&] { loop.run_once(); }), 1000);
        run_until(loop, [&] { return scope.size() == 0; });
    }
    CHECK_EQ(allocations_of([&] { scope.start(child()); }), 2000);
}

CONTRACT_CASE("accepting costs nothing but what the client needs", everywhere) {
    EventLoop loop{mode.backend};
    Scope scope{loop};
    coro::Acceptor acceptor{
        loop, Socket::listen(Address::ipv4_loopback(0)), {.trigger = mode.trigger}};
    const Address address = acceptor.address();
    int accepted = 0;
    const auto task = [&]() -> coro::Task<> {
        for (;; ++accepted) co_await acceptor.accept();
    };
    scope.start(task());
    const auto once = [&] {
        Fd client{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
        const int before = accepted;
        REQUIRE_EQ(::connect(client.get(), address.data(), address.size()), 0);
        reset(client); // leaves no port behind
        while (accepted == before) loop.run_once();
    };
    CHECK_EQ(allocations_of(once), 0);
}

CONTRACT_CASE("the system calls of an echo are those of a connection", everywhere) {
    const auto show = [](const std::vector<CallCount>& counts) {
        std::string text;
        for (const CallCount& count : counts)
            text += std::string{count.name} + " " + std::to_string(count.made) + ", ";
        return text;
    };
    std::string by_task;
    std::string by_callback;
    {
        EventLoop loop{mode.backend};
        Scope scope{loop};
        Talk talk{loop, mode};
        scope.start(echo(std::move(talk.ours)));
        by_task = show(calls_of_pings(talk.theirs, loop));
    }
    {
        EventLoop loop{mode.backend};
        Seen seen;
        ConnectionSet set{loop, note_and_echo(seen), {.trigger = mode.trigger}};
        const Adopted one = adopt_unix(set);
        by_callback = show(calls_of_pings(one.theirs, loop));
    }
    CHECK_EQ(by_task, by_callback);
    if (on_epoll(mode) && mode.is(Trigger::level)) {
        CHECK(by_task.find("recv 100, ") != std::string::npos);
        CHECK(by_task.find("send 100, ") != std::string::npos);
    }
}
