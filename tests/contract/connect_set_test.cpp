// C10 to C15 for the connections of a set: they begin before they are connected.

#include "support/calls.hpp"
#include "support/connecting.hpp"
#include "support/contract.hpp"
#include "support/streams.hpp"

#include <cerrno>
#include <memory>
#include <optional>
#include <poll.h>
#include <sys/socket.h>
#include <vector>

using namespace pollux;
using namespace pollux_test;

namespace {

CallOutcome fail(int error) { return {.error = error, .result = {}, .at_most = {}}; }

Address loopback(int port) { return Address::ipv4_loopback(static_cast<std::uint16_t>(port)); }

Fd accept(const Fd& listener) {
    await(listener, POLLIN);
    return Fd{::accept4(listener.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)};
}

struct Case {
    explicit Case(const Mode& mode, ConnectionOptions options = {})
        : loop{mode.backend}, set{std::in_place, loop, note(seen), with(options, mode.trigger)} {}
    static ConnectionOptions with(ConnectionOptions options, Trigger trigger) {
        options.trigger = trigger;
        return options;
    }

    Seen seen;
    EventLoop loop;
    std::optional<ConnectionSet> set;
};

} // namespace

CONTRACT_CASE("C10 refused: on_close with the reason, and no on_open", everywhere) {
    Case c{mode};
    const ClosedPort nobody;
    const ConnectionId id = c.set->connect(nobody.address);
    CHECK(c.set->find(id)->send("into the void"));
    CHECK_EQ(c.set->size(), 1);
    run_until(c.loop, [&] { return !c.seen.closed.empty(); });
    settle(c.loop);
    CHECK(closed_once(c.seen, CloseReason::error, ECONNREFUSED));
    CHECK_EQ(c.seen.opened, 0);
    CHECK_EQ(c.set->find(id), nullptr);
    CHECK_EQ(c.set->size(), 0);
}

CONTRACT_CASE("C10 refused, and tried again in on_close and in on_gone", everywhere) {
    EventLoop loop{mode.backend};
    const ClosedPort nobody;
    std::optional<ConnectionSet> set;
    int left = 10;
    int opened = 0;
    const auto again = [&] {
        if (left-- > 0) set->connect(nobody.address);
    };
    set.emplace(loop,
                ConnectionHandlers{.on_open = [&](Connection&) { ++opened; },
                                   .on_close = [&](Connection&, const Closed&) { again(); }},
                ConnectionOptions{.trigger = mode.trigger});
    set->set_on_gone(again);
    set->connect(nobody.address);
    run_until(loop, [&] { return set->size() == 0; });
    CHECK_LT(left, 0);
    CHECK_EQ(opened, 0);
}

CONTRACT_CASE("C10 connected, but the kernel does not watch the socket", on_epoll) {
    Case c{mode};
    const Fd listener = tcp_listener();
    c.set->connect(loopback(port_of(listener)));
    const Calls calls{[](const CallPoint& call) {
        // The first registration is the connector's.
        return call.name == "epoll_ctl" && call.nth >= 3 ? fail(ENOMEM) : CallOutcome{};
    }};
    run_until(c.loop, [&] { return !c.seen.closed.empty(); });
    CHECK(closed_once(c.seen, CloseReason::error, ENOMEM));
    CHECK_EQ(c.seen.opened, 0);
}

CONTRACT_CASE("C11 given up while it connects: on_close at once, and never again", everywhere) {
    Case c{mode};
    const FullListener full;
    const ConnectionId aborted = c.set->connect(full.address);
    const ConnectionId closed = c.set->connect(full.address);
    settle(c.loop);
    c.set->find(aborted)->abort();
    REQUIRE_EQ(c.seen.closed.size(), 1);
    CHECK(c.seen.closed[0].reason == CloseReason::aborted);
    c.set->find(closed)->close();
    REQUIRE_EQ(c.seen.closed.size(), 2);
    CHECK(c.seen.closed[1].reason == CloseReason::closed);
    CHECK_EQ(c.set->size(), 0);
    settle(c.loop);
    CHECK_EQ(c.seen.closed.size(), 2);
    CHECK_EQ(c.seen.opened, 0);
}

CONTRACT_CASE("C11 the set goes while it connects", everywhere) {
    Case c{mode};
    const FullListener full;
    c.set->connect(full.address);
    settle(c.loop);
    c.set.reset();
    CHECK(closed_once(c.seen, CloseReason::stopped));
    settle(c.loop);
}

CONTRACT_CASE("C12 no answer: the error is ETIMEDOUT", everywhere) {
    const FakeClock clock;
    Case c{mode};
    const FullListener full;
    c.set->connect(full.address, std::chrono::seconds{3});
    run_until(c.loop, [&] { return !c.seen.closed.empty(); });
    CHECK(closed_once(c.seen, CloseReason::error, ETIMEDOUT));
}

CONTRACT_CASE("C12 a connection's own deadline counts while it connects, its idle timeout does not",
              everywhere) {
    FakeClock clock;
    Case c{mode, {.idle_timeout = std::chrono::seconds{1}}};
    const FullListener full;
    const ConnectionId id = c.set->connect(full.address, std::chrono::minutes{1});
    c.set->find(id)->set_deadline(later(Clock::now(), std::chrono::seconds{5}));
    clock.advance(std::chrono::seconds{4});
    settle(c.loop);
    CHECK(c.seen.closed.empty());
    clock.advance(std::chrono::seconds{1});
    settle(c.loop);
    CHECK(closed_once(c.seen, CloseReason::deadline));
}

CONTRACT_CASE("C15 what is sent before the connection stands arrives first and in order",
              everywhere) {
    Seen seen;
    EventLoop loop{mode.backend};
    ConnectionHandlers handlers = note(seen);
    handlers.on_open = [&](Connection& connection) {
        ++seen.opened;
        CHECK(connection.send("four"));
    };
    ConnectionSet set{loop, std::move(handlers), {.trigger = mode.trigger}};
    const Fd listener = tcp_listener();
    const ConnectionId id = set.connect(loopback(port_of(listener)));
    for (const char* text : {"one ", "two ", "three "}) CHECK(set.find(id)->send(text));
    CHECK_EQ(set.find(id)->queued(), 14);
    run_until(loop, [&] { return seen.opened == 1; });
    const Fd server = accept(listener);
    std::string got;
    run_until(loop, [&] { return (got += drain(server)).size() >= 18; });
    CHECK_EQ(got, "one two three four");
}

CONTRACT_CASE("C15 … and the end of sending after it", everywhere) {
    Case c{mode};
    const Fd listener = tcp_listener();
    const ConnectionId id = c.set->connect(loopback(port_of(listener)));
    const std::string text = pattern(3'000'000);
    CHECK(c.set->find(id)->send(text));
    c.set->find(id)->end();
    CHECK_FALSE(c.set->find(id)->send("never"));
    run_until(c.loop, [&] { return c.seen.opened == 1; });
    const Fd server = accept(listener);
    std::string got;
    run_until(c.loop, [&] {
        got += drain(server);
        return at_end(server);
    });
    CHECK(got == text);
    put(server, "answer");
    run_until(c.loop, [&] { return c.seen.data == "answer"; });
}

CONTRACT_CASE("C15 more than the output limit before it stands: closed", everywhere) {
    Case c{mode, {.output_limit = 100}};
    const FullListener full;
    const ConnectionId id = c.set->connect(full.address);
    Connection& connection = *c.set->find(id);
    CHECK(connection.send(std::string(100, 'x')));
    CHECK_FALSE(connection.send("x"));
    CHECK(closed_once(c.seen, CloseReason::output_limit));
}

CONTRACT_CASE("C15 paused before it stands: nothing is read until it resumes", everywhere) {
    Case c{mode};
    const Fd listener = tcp_listener();
    const ConnectionId id = c.set->connect(loopback(port_of(listener)));
    c.set->find(id)->pause_reading();
    run_until(c.loop, [&] { return c.seen.opened == 1; });
    const Fd server = accept(listener);
    put(server, "early");
    settle(c.loop);
    CHECK_EQ(c.seen.data, "");
    c.set->find(id)->resume_reading();
    run_until(c.loop, [&] { return c.seen.data == "early"; });
}
