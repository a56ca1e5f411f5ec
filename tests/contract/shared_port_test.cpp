// C20 of the catalogue: several listeners share a port (SO_REUSEPORT), and one of them ends.

#include "support/contract.hpp"
#include "support/listen_queue.hpp"
#include "support/streams.hpp"

#include <algorithm>
#include <cstddef>
#include <fstream>
#include <functional>
#include <memory>
#include <poll.h>
#include <pollux/stream/server.hpp>
#include <stdexcept>
#include <string>
#include <vector>

using namespace pollux;
using namespace pollux_test;
using std::chrono::seconds;

namespace {

constexpr ListenOptions shared{.reuse_port = true};

int accept_all(Socket& listener) {
    int accepted = 0;
    while (listener.accept().error == 0) ++accepted;
    return accepted;
}

// A server, another listener on its port, and clients that the kernel has given to one or the
// other: with so many, some to each.
struct Case {
    explicit Case(const Mode& mode, std::size_t max_connections = 1000) : loop{mode.backend} {
        ConnectionHandlers handlers = note_and_echo(seen);
        handlers.on_open = [this](Connection& connection) {
            ++seen.opened;
            if (on_open) on_open(connection);
        };
        server = std::make_unique<Server>(loop, Address::ipv4_loopback(0), std::move(handlers),
                                          ServerOptions{.connection = {.trigger = mode.trigger},
                                                        .listen = shared,
                                                        .max_connections = max_connections});
        other = Socket::listen(server->address(), shared);
        for (int client = 0; client < 40; ++client)
            clients.push_back(tcp_client(other.local().port()));
        await_in_queue(other.local().port(), 40);
    }
    int resets() const {
        int count = 0;
        for (const Fd& client : clients)
            if ((state(client, POLLIN) & POLLERR) != 0) ++count;
        return count;
    }
    void await_resets(int count) {
        EventLoop idle;
        run_until(idle, [&] { return resets() == count; });
    }
    // How many of the clients the other listener has not got.
    int servers() { return 40 - accept_all(other); }

    Seen seen;
    std::function<void(Connection&)> on_open;
    EventLoop loop;
    std::unique_ptr<Server> server;
    Socket other;
    std::vector<Fd> clients;
};

} // namespace

CONTRACT_CASE("C20 closing a listener of a shared port resets the clients in its queue", on_level) {
    std::string migrates = "0"; // ip-sysctl: with 1 the kernel hands the queue on
    std::ifstream{"/proc/sys/net/ipv4/tcp_migrate_req"} >> migrates;
    Case c{mode};
    c.server.reset(); // which is no good order
    if (migrates == "1") return;
    const int lost = c.servers();
    CHECK_GT(lost, 0);
    c.await_resets(lost);
}

CONTRACT_CASE("C20 a server on a shared port takes its queue before it stops accepting",
              everywhere) {
    Case c{mode};
    c.server->stop_accepting();
    CHECK_GT(c.seen.opened, 0);
    CHECK_EQ(c.resets(), 0);
    CHECK_EQ(c.seen.opened, c.servers());
    // They are served, and then end in good order.
    for (const Fd& client : c.clients) put(client, "x");
    const auto all = static_cast<std::size_t>(c.seen.opened);
    std::size_t echoed = 0;
    run_until(c.loop, [&] {
        for (const Fd& client : c.clients) echoed += drain(client).size();
        return echoed == all;
    });
    bool done = false;
    c.server->drain(seconds{100}, [&] { done = true; });
    c.clients.clear();
    run_until(c.loop, [&] { return done; });
    for (const Closed& closed : c.seen.closed) CHECK_EQ(closed.error, 0);
}

CONTRACT_CASE("C20 drain takes the queue too, and closes who was in it in good order", everywhere) {
    Case c{mode};
    bool done = false;
    c.on_open = [](Connection& connection) { connection.send("bye"); };
    c.server->drain(seconds{100}, [&] { done = true; });
    CHECK_EQ(c.resets(), 0);
    CHECK_EQ(c.seen.opened, c.servers());
    std::string told;
    run_until(c.loop, [&] {
        for (const Fd& client : c.clients) told += drain(client);
        return told.size() == static_cast<std::size_t>(c.seen.opened) * 3;
    });
    c.clients.clear();
    run_until(c.loop, [&] { return done; });
    CHECK_EQ(c.seen.closed.size(), static_cast<std::size_t>(c.seen.opened));
}

CONTRACT_CASE("C20 the limit of connections holds for the queue as well", everywhere) {
    Case c{mode, 2};
    c.server->stop_accepting();
    CHECK_EQ(c.seen.opened, 2);
    c.await_resets(c.servers() - 2);
}

CONTRACT_CASE("C20 on_open may stop the server that takes its queue: one after the other",
              everywhere) {
    Case c{mode};
    int within = 0;
    int deepest = 0;
    c.on_open = [&](Connection&) {
        deepest = std::max(deepest, ++within);
        c.server->stop_accepting();
        --within;
    };
    c.server->stop_accepting();
    CHECK_EQ(deepest, 1);
    CHECK_EQ(c.resets(), 0);
    CHECK_EQ(c.seen.opened, c.servers());
}

CONTRACT_CASE("C20 on_open may drain the server that takes its queue: all end", everywhere) {
    Case c{mode};
    bool done = false;
    c.on_open = [&](Connection&) {
        if (c.seen.opened == 1) c.server->drain(seconds{100}, [&] { done = true; });
    };
    c.server->stop_accepting();
    CHECK_EQ(c.resets(), 0);
    CHECK_EQ(c.seen.opened, c.servers());
    c.clients.clear();
    run_until(c.loop, [&] { return done; });
    CHECK_EQ(c.seen.closed.size(), static_cast<std::size_t>(c.seen.opened));
    for (const Closed& closed : c.seen.closed) CHECK(closed.reason == CloseReason::closed);
}

CONTRACT_CASE("C20 on_open may destroy the server that takes its queue", everywhere) {
    Case c{mode};
    c.on_open = [&](Connection&) { c.server.reset(); };
    c.server->stop_accepting();
    CHECK_EQ(c.seen.opened, 1);
    c.await_resets(c.servers() - 1);
}

CONTRACT_CASE("C20 on_open closes the first that a drain takes: the rest is not cut short",
              everywhere) {
    Case c{mode};
    bool done = false;
    c.on_open = [&](Connection& connection) {
        if (c.seen.opened == 1)
            connection.abort();
        else
            connection.send("bye");
    };
    c.server->drain(seconds{100}, [&] { done = true; });
    settle(c.loop);
    CHECK_FALSE(done);
    CHECK_EQ(c.seen.closed.size(), 1);
    c.clients.clear();
    run_until(c.loop, [&] { return done; });
}

CONTRACT_CASE("C20 on_open throws: it listens no more all the same", everywhere) {
    Case c{mode};
    c.on_open = [](Connection&) { throw std::runtime_error{"on_open"}; };
    CHECK_THROWS_AS(c.server->stop_accepting(), std::runtime_error);
    CHECK_EQ(c.seen.opened, 1);
    // Whoever connects now gets to the other listener.
    accept_all(c.other);
    for (int more = 0; more < 10; ++more) const Fd client = tcp_client(c.other.local().port());
    int accepted = 0;
    run_until(c.loop, [&] { return (accepted += accept_all(c.other)) == 10; });
}
