// C1, C5 to C9, L15 and the budgets of the catalogue: accepting when all is well, and what a
// callback may do to its listener. What goes wrong in the kernel is in accept_errors_test.cpp.

#include "support/calls.hpp"
#include "support/contract.hpp"
#include "support/streams.hpp"

#include <cerrno>
#include <fcntl.h>
#include <memory>
#include <optional>
#include <poll.h>
#include <pollux/stream/listener.hpp>
#include <pollux/stream/server.hpp>
#include <stdexcept>
#include <vector>

using namespace pollux;
using namespace pollux_test;

namespace {

Socket listening() { return Socket::listen(Address::ipv4_loopback(0)); }

std::vector<Fd> clients_of(int port, std::size_t count) {
    std::vector<Fd> clients;
    while (clients.size() < count) clients.push_back(tcp_client(port));
    return clients;
}

bool has_end(const Fd& client) {
    await(client, POLLIN);
    return at_end(client);
}

} // namespace

CONTRACT_CASE("C1 as many clients at once as the queue holds: all are accepted", everywhere) {
    EventLoop loop{mode.backend};
    std::vector<Socket> accepted;
    const Listener listener{loop,
                            listening(),
                            [&](Socket socket) { accepted.push_back(std::move(socket)); },
                            {.trigger = mode.trigger}};
    const auto clients = clients_of(listener.address().port(), 100);
    run_until(loop, [&] { return accepted.size() == clients.size(); });
    for (const Fd& client : clients) CHECK_EQ(state(client, POLLIN), 0);
    settle(loop);
}

CONTRACT_CASE("C1 at level trigger no accept finds the queue empty", on_level) {
    EventLoop loop{mode.backend};
    int accepted = 0;
    const Listener listener{loop, listening(), [&](Socket) { ++accepted; }};
    const std::size_t before = would_block("accept4");
    const auto clients = clients_of(listener.address().port(), 5);
    run_until(loop, [&] { return accepted == 5; });
    settle(loop);
    CHECK_EQ(would_block("accept4"), before);
}

CONTRACT_CASE("P10 a round makes a bounded number of accepts, and the rest follows", everywhere) {
    EventLoop loop{mode.backend};
    int accepted = 0;
    // Of a Unix listener, whose clients are in its queue as soon as they are connected.
    const Address address = Address::abstract("pollux-p10-" + std::to_string(::getpid()));
    const Listener listener{loop,
                            Socket::listen(address),
                            [&](Socket) { ++accepted; },
                            {.trigger = mode.trigger, .accepts_per_visit = 3}};
    std::vector<Socket> clients;
    while (clients.size() < 10) {
        clients.push_back(Socket::open(AF_UNIX));
        REQUIRE(clients.back().connect(address).state == ConnectState::connected);
    }
    int most = 0;
    int before = 0;
    const Ends neighbour = unix_pair();
    put(neighbour.theirs, "x"); // never read: called in each turn
    const Watch watch =
        loop.watch(neighbour.ours.get(), Interest::read, Trigger::level, [&](Readiness) {
            most = std::max(most, accepted - before);
            before = accepted;
        });
    run_until(loop, [&] { return accepted == 10; });
    CHECK_EQ(most, 3);
}

CONTRACT_CASE("C5 a client that resets before it is accepted hurts nobody else", everywhere) {
    EventLoop loop{mode.backend};
    Seen seen;
    const Server server{loop,
                        Address::ipv4_loopback(0),
                        note_and_echo(seen),
                        {.connection = {.trigger = mode.trigger}}};
    Fd hasty = tcp_client(server.address().port());
    reset(hasty);
    const Fd client = tcp_client(server.address().port());
    put(client, "still there");
    run_until(loop, [&] { return seen.data == "still there"; });
    run_until(loop, [&] { return !seen.closed.empty(); });
    CHECK(closed_once(seen, CloseReason::error, ECONNRESET));
    await(client, POLLIN);
    CHECK_EQ(drain(client), "still there");
}

CONTRACT_CASE("C6 the callback throws: the client is closed, the listener lives", everywhere) {
    EventLoop loop{mode.backend};
    int calls = 0;
    const Listener listener{loop,
                            listening(),
                            [&](Socket) {
                                if (++calls < 3) throw std::runtime_error{"no thanks"};
                            },
                            {.trigger = mode.trigger}};
    const auto clients = clients_of(listener.address().port(), 3);
    CHECK_THROWS_WITH(run_until(loop, [] { return false; }), "no thanks");
    CHECK_THROWS_WITH(run_until(loop, [] { return false; }), "no thanks");
    run_until(loop, [&] { return calls == 3; });
    for (const Fd& client : clients) CHECK(has_end(client));
}

CONTRACT_CASE("C7 the callback destroys its listener: nobody else is accepted", everywhere) {
    EventLoop loop{mode.backend};
    int accepted = 0;
    std::optional<Listener> listener;
    listener.emplace(
        loop, listening(),
        [&](Socket) {
            ++accepted;
            listener.reset();
        },
        AcceptOptions{.trigger = mode.trigger, .accepts_per_visit = 8});
    const auto clients = clients_of(listener->address().port(), 3);
    run_until(loop, [&] { return accepted > 0; });
    settle(loop);
    CHECK_EQ(accepted, 1);
}

CONTRACT_CASE("C7 the callback pauses its listener: nobody else until it resumes", everywhere) {
    EventLoop loop{mode.backend};
    int accepted = 0;
    std::optional<Listener> listener;
    listener.emplace(
        loop, listening(),
        [&](Socket) {
            ++accepted;
            listener->pause();
        },
        AcceptOptions{.trigger = mode.trigger, .accepts_per_visit = 8});
    const auto clients = clients_of(listener->address().port(), 3);
    for (int turn = 1; turn <= 3; ++turn) {
        run_until(loop, [&] { return accepted == turn; });
        settle(loop);
        CHECK_EQ(accepted, turn);
        listener->resume();
    }
}

CONTRACT_CASE("C7 pause and resume in one callback change nothing", everywhere) {
    EventLoop loop{mode.backend};
    int accepted = 0;
    std::optional<Listener> listener;
    listener.emplace(
        loop, listening(),
        [&](Socket) {
            ++accepted;
            listener->pause();
            listener->resume();
        },
        AcceptOptions{.trigger = mode.trigger});
    const auto clients = clients_of(listener->address().port(), 20);
    run_until(loop, [&] { return accepted == 20; });
}

CONTRACT_CASE("C8 what is accepted does not block and is closed on exec", everywhere) {
    EventLoop loop{mode.backend};
    Socket accepted;
    const Listener listener{loop,
                            listening(),
                            [&](Socket socket) { accepted = std::move(socket); },
                            {.trigger = mode.trigger}};
    const Fd client = tcp_client(listener.address().port());
    run_until(loop, [&] { return static_cast<bool>(accepted); });
    CHECK((::fcntl(accepted.fd(), F_GETFL) & O_NONBLOCK) != 0);
    CHECK((::fcntl(accepted.fd(), F_GETFD) & FD_CLOEXEC) != 0);
}

CONTRACT_CASE("C9 a Unix client without a name is accepted like any other", everywhere) {
    EventLoop loop{mode.backend};
    Socket accepted;
    const Address address = Address::abstract("pollux-c9-" + std::to_string(::getpid()));
    const Listener listener{loop,
                            Socket::listen(address),
                            [&](Socket socket) { accepted = std::move(socket); },
                            {.trigger = mode.trigger}};
    Socket client = Socket::open(AF_UNIX);
    CHECK(client.connect(address).state == ConnectState::connected);
    run_until(loop, [&] { return static_cast<bool>(accepted); });
    CHECK(accepted.peer().unnamed());
}

CONTRACT_CASE("L15 a listener that was shut down says so once and is quiet", everywhere) {
    EventLoop loop{mode.backend};
    Socket socket = listening();
    const int fd = socket.fd();
    std::vector<std::error_code> errors;
    Listener listener{loop, std::move(socket), [](Socket) {}, {.trigger = mode.trigger}};
    listener.set_on_error([&](std::error_code error) { errors.push_back(error); });
    ::shutdown(fd, SHUT_RD);
    run_until(loop, [&] { return !errors.empty(); });
    settle(loop);
    CHECK_EQ(errors.size(), 1);
    CHECK_EQ(errors.front(), std::error_code{EINVAL, std::generic_category()});
    listener.pause();
    listener.resume();
    settle(loop);
    CHECK_EQ(errors.size(), 1);
}

CONTRACT_CASE("L15 on_error may put another in its place", everywhere) {
    EventLoop loop{mode.backend};
    Socket socket = listening();
    const int fd = socket.fd();
    Listener listener{loop, std::move(socket), [](Socket) {}, {.trigger = mode.trigger}};
    int called = 0;
    const auto kept = std::make_shared<int>(1);
    listener.set_on_error([&, mine = kept](std::error_code) {
        listener.set_on_error({});
        called += kept.use_count() == 2 ? 1 : 100; // this callable lives while it runs
    });
    ::shutdown(fd, SHUT_RD);
    run_until(loop, [&] { return called != 0; });
    CHECK_EQ(called, 1);
    CHECK_EQ(kept.use_count(), 1);
}

CONTRACT_CASE("L15 on_error may destroy the listener", everywhere) {
    EventLoop loop{mode.backend};
    Socket socket = listening();
    const int fd = socket.fd();
    std::optional<Listener> listener;
    listener.emplace(
        loop, std::move(socket), [](Socket) {}, AcceptOptions{.trigger = mode.trigger});
    listener->set_on_error([&](std::error_code) { listener.reset(); });
    ::shutdown(fd, SHUT_RD);
    run_until(loop, [&] { return !listener; });
}

CONTRACT_CASE("P11 a server at max_connections leaves clients waiting, and takes the next when one "
              "ends",
              everywhere) {
    EventLoop loop{mode.backend};
    Seen seen;
    Server server{
        loop,
        Address::ipv4_loopback(0),
        note(seen),
        {.connection = {.trigger = mode.trigger}, .accepts_per_visit = 8, .max_connections = 2}};
    auto clients = clients_of(server.address().port(), 5);
    for (int served = 2; served <= 5; ++served) {
        run_until(loop, [&] { return seen.opened == served; });
        settle(loop);
        CHECK_EQ(seen.opened, served);
        CHECK_EQ(server.connections().size(), 2);
        clients[static_cast<std::size_t>(served - 2)].reset();
    }
}

CONTRACT_CASE("P11 … also when its on_close throws", everywhere) {
    EventLoop loop{mode.backend};
    Seen seen;
    int errors = 0;
    ConnectionHandlers handlers = note(seen);
    handlers.on_close = [](Connection&, const Closed&) { throw std::runtime_error{"on_close"}; };
    handlers.on_error = [&](const std::exception_ptr&) { ++errors; };
    Server server{loop,
                  Address::ipv4_loopback(0),
                  std::move(handlers),
                  {.connection = {.trigger = mode.trigger}, .max_connections = 1}};
    // … whose connections go before it: on_close must not throw while the set is destroyed.
    auto clients = clients_of(server.address().port(), 3);
    for (int served = 1; served <= 3; ++served) {
        run_until(loop, [&] { return seen.opened == served; });
        clients[static_cast<std::size_t>(served - 1)].reset();
    }
    run_until(loop, [&] { return server.connections().size() == 0; });
    CHECK_EQ(errors, 3);
}

CONTRACT_CASE("C7 a server is destroyed while it accepts", everywhere) {
    EventLoop loop{mode.backend};
    Seen seen;
    std::optional<Server> server;
    ConnectionHandlers handlers = note(seen);
    handlers.on_open = [&](Connection&) { server.reset(); };
    server.emplace(loop, Address::ipv4_loopback(0), std::move(handlers),
                   ServerOptions{.connection = {.trigger = mode.trigger}, .accepts_per_visit = 8});
    const auto clients = clients_of(server->address().port(), 3);
    run_until(loop, [&] { return !server; });
    settle(loop);
    CHECK(closed_once(seen, CloseReason::stopped));
}
