// C10 to C15 and L31 of the catalogue: connecting without blocking, one completion in every case.

#include "support/calls.hpp"
#include "support/connecting.hpp"
#include "support/contract.hpp"
#include "support/streams.hpp"
#include "support/wake_up_budget.hpp"

#include <cerrno>
#include <optional>
#include <pollux/error.hpp>
#include <pollux/stream/connector.hpp>
#include <unistd.h>
#include <vector>

using namespace pollux;
using namespace pollux_test;

namespace {

constexpr std::chrono::seconds patience{30};

CallOutcome fail(int error) { return {.error = error, .result = {}, .at_most = {}}; }

// What a connector's completion was called with.
struct Outcome {
    std::vector<int> errors;
    Socket socket;

    Connector::Completion note() {
        return [this](Socket connected, std::error_code error) {
            errors.push_back(error.value());
            socket = std::move(connected);
        };
    }
    bool only(int error) const {
        return errors.size() == 1 && errors[0] == error &&
               static_cast<bool>(socket) == (error == 0);
    }
};

Address loopback(int port) { return Address::ipv4_loopback(static_cast<std::uint16_t>(port)); }

Address free_name() {
    static int number = 0;
    return Address::abstract("pollux-connect-" + std::to_string(::getpid()) + "-" +
                             std::to_string(++number));
}

// The same with a Unix socket, which answers EAGAIN.
struct FullUnixListener {
    Address address = free_name();
    Socket listener = Socket::listen(address, {.backlog = 0});
    std::vector<Socket> clients;

    FullUnixListener() {
        do clients.push_back(Socket::open(AF_UNIX));
        while (clients.back().connect(address).state == ConnectState::connected);
    }
    void make_room() { CHECK_EQ(listener.accept().error, 0); }
};

} // namespace

CONTRACT_CASE("C10 refused: one completion, in a later turn, with the reason", everywhere) {
    EventLoop loop{mode.backend};
    Outcome outcome;
    const ClosedPort nobody;
    const Connector connector{loop, nobody.address, patience, outcome.note()};
    CHECK(outcome.errors.empty());
    run_until(loop, [&] { return !outcome.errors.empty(); });
    settle(loop);
    CHECK(outcome.only(ECONNREFUSED));
}

CONTRACT_CASE("C10 no such path", everywhere) {
    EventLoop loop{mode.backend};
    Outcome outcome;
    const Connector connector{loop, Address::unix_path("/nonexistent/pollux"), patience,
                              outcome.note()};
    CHECK(outcome.errors.empty());
    run_until(loop, [&] { return !outcome.errors.empty(); });
    CHECK(outcome.only(ENOENT));
}

CONTRACT_CASE("C10 no descriptor for the socket", everywhere) {
    EventLoop loop{mode.backend};
    Outcome outcome;
    const Calls calls{
        [](const CallPoint& call) { return call.name == "socket" ? fail(EMFILE) : CallOutcome{}; }};
    const ClosedPort nobody;
    const Connector connector{loop, nobody.address, patience, outcome.note()};
    CHECK(outcome.errors.empty());
    run_until(loop, [&] { return !outcome.errors.empty(); });
    CHECK(outcome.only(EMFILE));
}

CONTRACT_CASE("C10 the kernel does not watch the socket", on_epoll) {
    EventLoop loop{mode.backend};
    Outcome outcome;
    const Fd listener = tcp_listener();
    const Connector connector{loop, loopback(port_of(listener)), patience, outcome.note()};
    const Calls calls{[](const CallPoint& call) {
        return call.name == "epoll_ctl" ? fail(ENOSPC) : CallOutcome{};
    }};
    run_until(loop, [&] { return !outcome.errors.empty(); });
    CHECK(outcome.only(ENOSPC));
}

CONTRACT_CASE("C10 success: a connected socket, once", everywhere) {
    EventLoop loop{mode.backend};
    Outcome outcome;
    const Fd listener = tcp_listener();
    const Connector connector{loop, loopback(port_of(listener)), patience, outcome.note()};
    run_until(loop, [&] { return !outcome.errors.empty(); });
    settle(loop);
    CHECK(outcome.only(0));
    CHECK_EQ(outcome.socket.peer(), loopback(port_of(listener)));
}

CONTRACT_CASE("P8 an interrupted connect goes on", everywhere) {
    EventLoop loop{mode.backend};
    Outcome outcome;
    const Fd listener = tcp_listener();
    const Address address = loopback(port_of(listener));
    const Calls calls{[&](const CallPoint& call) {
        if (call.name != "connect") return CallOutcome{};
        static_cast<void>(
            ::connect(call.fd, address.data(), address.size())); // begun, and then a signal
        return fail(EINTR);
    }};
    const Connector connector{loop, address, patience, outcome.note()};
    run_until(loop, [&] { return !outcome.errors.empty(); });
    CHECK(outcome.only(0));
    CHECK_EQ(calls.of("connect"), 1);
}

CONTRACT_CASE("C11 destroyed before it is done: nothing is called, nothing is left", everywhere) {
    EventLoop loop{mode.backend};
    Outcome outcome;
    const FullListener full;
    { const Connector at_once{loop, full.address, patience, outcome.note()}; }
    {
        const Connector in_progress{loop, full.address, patience, outcome.note()};
        settle(loop);
    }
    settle(loop);
    CHECK(outcome.errors.empty());
}

CONTRACT_CASE("C11 the completion destroys its connector", everywhere) {
    EventLoop loop{mode.backend};
    const Fd listener = tcp_listener();
    const ClosedPort nobody;
    for (const Address& address : {loopback(port_of(listener)), nobody.address}) {
        std::optional<Connector> connector;
        int calls = 0;
        connector.emplace(loop, address, patience, [&](const Socket&, std::error_code) {
            connector.reset();
            ++calls;
        });
        run_until(loop, [&] { return calls > 0; });
        settle(loop);
        CHECK_EQ(calls, 1);
    }
}

CONTRACT_CASE("C11 a connector that was moved goes on, and one assigned to gives up", everywhere) {
    EventLoop loop{mode.backend};
    Outcome first;
    Outcome second;
    const FullListener full;
    const Fd listener = tcp_listener();
    Connector connector{loop, full.address, patience, first.note()};
    Connector other{loop, loopback(port_of(listener)), patience, second.note()};
    connector = std::move(other);
    run_until(loop, [&] { return !second.errors.empty(); });
    settle(loop);
    CHECK(second.only(0));
    CHECK(first.errors.empty());
}

CONTRACT_CASE("C12 the deadline passes: ETIMEDOUT once, and late success is no news", everywhere) {
    FakeClock clock;
    EventLoop loop{mode.backend};
    Outcome outcome;
    FullListener full;
    const Connector connector{loop, full.address, std::chrono::seconds{3}, outcome.note()};
    settle(loop);
    clock.advance(std::chrono::milliseconds{2999});
    settle(loop);
    CHECK(outcome.errors.empty());
    clock.advance(std::chrono::milliseconds{1});
    settle(loop);
    CHECK(outcome.only(ETIMEDOUT));
    full.client.reset();
    full.listener.reset();
    settle(loop);
    CHECK(outcome.only(ETIMEDOUT));
}

CONTRACT_CASE("L31 while it connects nothing spins, whatever poll(2) says of such a socket",
              everywhere) {
    const FakeClock clock;
    EventLoop loop{mode.backend};
    Outcome outcome;
    const FullListener full;
    // Not connected yet, a socket is writable and hung up: it is watched only when it connects.
    const Connector connector{loop, full.address, std::chrono::hours{1}, outcome.note()};
    const WakeUpBudget budget{loop, 4}; // it begins, waits, is over; and an hour later
    run_for(loop, std::chrono::hours{2});
    CHECK(outcome.only(ETIMEDOUT));
}

CONTRACT_CASE("L31 while a full Unix listener is tried again, nothing is watched", everywhere) {
    const FakeClock clock;
    EventLoop loop{mode.backend};
    Outcome outcome;
    const FullUnixListener full;
    const Connector connector{loop, full.address, std::chrono::seconds{1}, outcome.note()};
    const WakeUpBudget budget{loop, 110}; // a try each 10 ms
    run_for(loop, std::chrono::seconds{2});
    CHECK(outcome.only(ETIMEDOUT));
}

CONTRACT_CASE("C12 no time at all: ETIMEDOUT, and no call is made", everywhere) {
    EventLoop loop{mode.backend};
    Outcome outcome;
    const Fd listener = tcp_listener();
    const Calls calls;
    const Connector connector{loop, loopback(port_of(listener)), {}, outcome.note()};
    run_until(loop, [&] { return !outcome.errors.empty(); });
    CHECK(outcome.only(ETIMEDOUT));
    CHECK_EQ(calls.of("socket"), 0);
}

CONTRACT_CASE("C13 bug-D6 a Unix listener with a full queue is tried until there is room",
              everywhere) {
    const FakeClock clock;
    EventLoop loop{mode.backend};
    Outcome outcome;
    FullUnixListener full;
    const Connector connector{loop, full.address, patience, outcome.note()};
    const Calls calls;
    const auto start = Clock::now();
    while (Clock::now() - start < std::chrono::seconds{1}) loop.run_once();
    CHECK(outcome.errors.empty());
    CHECK_GE(calls.of("connect"), 10);
    CHECK_LE(calls.of("connect"), 101);
    full.make_room();
    run_until(loop, [&] { return !outcome.errors.empty(); });
    CHECK(outcome.only(0));
}

CONTRACT_CASE("C13 … or until the deadline", everywhere) {
    const FakeClock clock;
    EventLoop loop{mode.backend};
    Outcome outcome;
    const FullUnixListener full;
    const Connector connector{loop, full.address, std::chrono::seconds{2}, outcome.note()};
    run_until(loop, [&] { return !outcome.errors.empty(); });
    CHECK(outcome.only(ETIMEDOUT));
}

CONTRACT_CASE("C14 bug-D8 a socket connected to itself counts as refused", everywhere) {
    EventLoop loop{mode.backend};
    Outcome outcome;
    const ClosedPort nobody;
    const Calls calls{[&](const CallPoint& call) {
        if (call.name != "connect") return CallOutcome{};
        // The port that the kernel might have chosen by chance.
        const int on = 1;
        pollux::check(::setsockopt(call.fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on),
                      "setsockopt");
        pollux::check(::bind(call.fd, nobody.address.data(), nobody.address.size()), "bind");
        return CallOutcome{};
    }};
    const Connector connector{loop, nobody.address, patience, outcome.note()};
    run_until(loop, [&] { return !outcome.errors.empty(); });
    CHECK(outcome.only(ECONNREFUSED));
}
