// S17 of the catalogue: how a server ends, in good order or not.

#include "support/contract.hpp"
#include "support/library_sockets.hpp"
#include "support/streams.hpp"

#include <array>
#include <cerrno>
#include <functional>
#include <memory>
#include <optional>
#include <poll.h>
#include <pollux/instruments/call_hook.hpp>
#include <pollux/stream/server.hpp>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

using namespace pollux;
using namespace pollux_test;

using std::chrono::seconds;

namespace {

struct Case {
    explicit Case(const Mode& mode, ConnectionHandlers handlers = {}) : loop{mode.backend} {
        make(mode, std::move(handlers));
    }
    void make(const Mode& mode, ConnectionHandlers handlers) {
        handlers.on_close = [this](Connection&, const Closed& closed) {
            seen.closed.push_back(closed);
            if (on_close) on_close();
        };
        if (!handlers.on_open) handlers.on_open = [this](Connection&) { ++seen.opened; };
        server = std::make_unique<Server>(loop, Address::ipv4_loopback(0), std::move(handlers),
                                          ServerOptions{.connection = {.trigger = mode.trigger}});
        port = server->address().port();
    }
    void connect(std::size_t count) {
        for (std::size_t i = 0; i < count; ++i) clients.push_back(tcp_client(port));
        run_until(loop, [&] { return seen.opened == static_cast<int>(count); });
    }

    Seen seen;
    std::function<void()> on_close;
    EventLoop loop;
    std::unique_ptr<Server> server;
    int port = 0;
    std::vector<Fd> clients;
};

// Nobody else's, who may run the same test.
std::string own_name(std::string_view word) {
    return std::string{"pollux-"}.append(word).append("-") + std::to_string(::getpid());
}

bool refuses(int port) {
    const Fd client{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    const Address address = Address::ipv4_loopback(static_cast<std::uint16_t>(port));
    return ::connect(client.get(), address.data(), address.size()) < 0 && errno == ECONNREFUSED;
}

} // namespace

CONTRACT_CASE("S17 drain without connections is done in a later turn", everywhere) {
    Case c{mode};
    bool done = false;
    c.server->drain(seconds{1}, [&] { done = true; });
    CHECK_FALSE(done);
    CHECK(refuses(c.port));
    run_until(c.loop, [&] { return done; });
}

CONTRACT_CASE("S17 drain delivers what was sent, and is done when the clients have ended",
              everywhere) {
    Case c{mode};
    c.connect(3);
    const std::string text = pattern(1'000'000);
    c.server->connections().for_each([&](Connection& connection) { connection.send(text); });
    bool done = false;
    c.server->drain(seconds{100}, [&] { done = true; });
    for (Fd& client : c.clients) {
        std::string got;
        run_until(c.loop, [&] {
            got += drain(client);
            return at_end(client);
        });
        CHECK(got == text);
        CHECK_FALSE(done);
        client.reset();
    }
    run_until(c.loop, [&] { return done; });
    REQUIRE_EQ(c.seen.closed.size(), 3);
    for (const Closed& closed : c.seen.closed) CHECK(closed.reason == CloseReason::closed);
}

CONTRACT_CASE("S17 drain cuts who does not end in time", everywhere) {
    FakeClock clock;
    Case c{mode};
    c.connect(2);
    bool done = false;
    c.server->drain(seconds{3}, [&] { done = true; });
    clock.advance(seconds{2});
    settle(c.loop);
    CHECK_FALSE(done);
    clock.advance(seconds{1});
    settle(c.loop);
    CHECK(done);
    REQUIRE_EQ(c.seen.closed.size(), 2);
    for (const Closed& closed : c.seen.closed) CHECK(closed.reason == CloseReason::aborted);
    settle(c.loop);
}

CONTRACT_CASE("S17 on_done destroys the server", everywhere) {
    Case c{mode};
    c.connect(2);
    bool done = false;
    c.server->drain(seconds{100}, [&] {
        c.server.reset();
        done = true;
    });
    c.clients.clear();
    run_until(c.loop, [&] { return done; });
    CHECK_EQ(c.seen.closed.size(), 2);
}

CONTRACT_CASE("S17 an on_close destroys the server that drains", everywhere) {
    for (const bool at_once : {true, false}) {
        FakeClock clock;
        ConnectionHandlers handlers;
        handlers.on_end = [](Connection&) {};
        Case c{mode, std::move(handlers)};
        c.connect(2);
        c.on_close = [&] {
            if (c.server) c.server.reset();
        };
        if (at_once) { // the clients have ended: closing is immediate, within `drain`
            for (const Fd& client : c.clients) ::shutdown(client.get(), SHUT_WR);
            settle(c.loop);
        }
        bool done = false;
        c.server->drain(seconds{1}, [&] { done = true; });
        clock.advance(seconds{1}); // or all are aborted at the timeout
        settle(c.loop);
        CHECK_EQ(c.server, nullptr);
        CHECK_EQ(c.seen.closed.size(), 2);
        CHECK_FALSE(done);
    }
}

CONTRACT_CASE("S17 drain in a handler: the answer of that handler is delivered", everywhere) {
    Case* self = nullptr;
    bool done = false;
    ConnectionHandlers handlers;
    handlers.on_data = [&](Connection& connection, ByteView data) {
        connection.send("shutting ");
        self->server->drain(seconds{100}, [&] { done = true; });
        CHECK_FALSE(connection.send("never"));
        return data.size();
    };
    Case c{mode, std::move(handlers)};
    self = &c;
    c.connect(2);
    put(c.clients[0], "quit");
    std::string got;
    run_until(c.loop, [&] {
        got += drain(c.clients[0]);
        return at_end(c.clients[0]);
    });
    CHECK_EQ(got, "shutting ");
    c.clients.clear();
    run_until(c.loop, [&] { return done; });
}

CONTRACT_CASE("S17 drain in on_open, while others wait in the queue", everywhere) {
    Case* self = nullptr;
    bool done = false;
    ConnectionHandlers handlers;
    handlers.on_open = [&](Connection&) {
        ++self->seen.opened;
        self->server->drain(seconds{100}, [&] { done = true; });
    };
    Case c{mode, std::move(handlers)};
    self = &c;
    std::vector<Fd> clients;
    clients.reserve(3);
    for (int i = 0; i < 3; ++i) clients.push_back(tcp_client(c.port));
    run_until(c.loop, [&] { return c.seen.opened > 0; });
    CHECK_EQ(c.seen.opened, 1);
    clients.clear();
    run_until(c.loop, [&] { return done; });
}

CONTRACT_CASE("stop_accepting: the address is free, connections go on", everywhere) {
    Case c{mode};
    c.connect(1);
    c.server->stop_accepting();
    CHECK(refuses(c.port));
    CHECK_EQ(c.server->connections().size(), 1);
    put(c.clients[0], "x");
    settle(c.loop);
    CHECK(c.seen.closed.empty());
    c.server->stop_accepting();
}

CONTRACT_CASE("a server that goes closes all, and tells why", everywhere) {
    Case c{mode};
    c.connect(3);
    c.server.reset();
    REQUIRE_EQ(c.seen.closed.size(), 3);
    for (const Closed& closed : c.seen.closed) CHECK(closed.reason == CloseReason::stopped);
    for (const Fd& client : c.clients) {
        await(client, POLLIN);
        CHECK(at_end(client));
    }
}

CONTRACT_CASE("an address in use: the constructor throws and names it", everywhere) {
    Case c{mode};
    const Address address = c.server->address();
    CHECK_THROWS_AS(Server(c.loop, address, {}), std::system_error);
}

CONTRACT_CASE("connections of a server send small messages at once", everywhere) {
    bool no_delay = false;
    int opened = 0;
    ConnectionHandlers handlers;
    handlers.on_open = [&](Connection& connection) {
        ++opened;
        no_delay = connection.socket().get(option::no_delay);
    };
    Case c{mode, std::move(handlers)};
    c.clients.push_back(tcp_client(c.port));
    run_until(c.loop, [&] { return opened == 1; });
    CHECK(no_delay);
}

CONTRACT_CASE("C16 a server at several addresses serves all of them with one set", everywhere) {
    Seen seen;
    EventLoop loop{mode.backend};
    const std::array<Address, 3> wanted{Address::ipv4_loopback(0), Address::ipv6_loopback(0),
                                        Address::abstract(own_name("several"))};
    Server server{loop, wanted, note_and_echo(seen), {.connection = {.trigger = mode.trigger}}};
    const std::vector<Address> addresses = server.addresses();
    REQUIRE_EQ(addresses.size(), 3);
    CHECK(server.address() == addresses[0]);
    CHECK(addresses[2] == wanted[2]);
    CHECK_NE(addresses[1].port(), 0);

    for (const Address& address : addresses) {
        Socket client = Socket::open(address.family());
        CHECK(client.connect(address).state != ConnectState::error);
        await(client, POLLOUT); // closed while it connects, nobody would hear of it
    }
    run_until(loop, [&] { return seen.closed.size() == 3; });
    server.stop_accepting();
    CHECK(server.addresses().empty());
    CHECK(refuses(addresses[0].port()));
    CHECK_EQ(Socket::open(AF_UNIX).connect(addresses[2]).error, ECONNREFUSED);
}

CONTRACT_CASE("P11 the limit of connections is that of all addresses together", everywhere) {
    Seen seen;
    EventLoop loop{mode.backend};
    const std::array<Address, 2> two{Address::ipv4_loopback(0), Address::ipv4_loopback(0)};
    const Server server{
        loop, two, note(seen), {.connection = {.trigger = mode.trigger}, .max_connections = 1}};
    Fd first = tcp_client(server.addresses()[0].port());
    run_until(loop, [&] { return seen.opened == 1; });
    const Fd second = tcp_client(server.addresses()[1].port());
    settle(loop);
    CHECK_EQ(seen.opened, 1);
    first.reset();
    run_until(loop, [&] { return seen.opened == 2; });
}

CONTRACT_CASE("a server that cannot have one of its addresses has none", everywhere) {
    EventLoop loop{mode.backend};
    const Socket busy = Socket::listen(Address::ipv4_loopback(0));
    const std::array<Address, 2> two{Address::abstract(own_name("first-of-two")), busy.local()};
    CHECK_THROWS_AS((Server{loop, two, {}}), std::system_error);
    CHECK_EQ(Socket::open(AF_UNIX).connect(two[0]).error, ECONNREFUSED);
    CHECK_THROWS_AS((Server{loop, std::span<const Address>{}, {}}), std::invalid_argument);
}

CONTRACT_CASE("L15 a server tells which of its listeners is broken, and serves at the others",
              everywhere) {
    Seen seen;
    EventLoop loop{mode.backend};
    const std::array<Address, 2> two{Address::ipv4_loopback(0), Address::ipv4_loopback(0)};
    std::vector<int> listening;
    std::optional<Server> server;
    {
        const CallHook hook{[&](const CallPoint& call) {
            if (call.name == "listen") listening.push_back(call.fd);
            return CallOutcome{};
        }};
        server.emplace(loop, two, note(seen),
                       ServerOptions{.connection = {.trigger = mode.trigger}});
    }
    const std::vector<Address> addresses = server->addresses();
    std::vector<Address> broken;
    server->set_on_error([&](const Address& address, std::error_code error) {
        CHECK_EQ(error.value(), EINVAL);
        broken.push_back(address);
    });
    ::shutdown(listening.at(0), SHUT_RD);
    run_until(loop, [&] { return !broken.empty(); });
    REQUIRE_EQ(broken.size(), 1);
    CHECK(broken[0] == addresses[0]);
    const Fd client = tcp_client(addresses[1].port());
    run_until(loop, [&] { return seen.opened == 1; });

    server->set_on_error([&](const Address&, std::error_code) { server.reset(); });
    ::shutdown(listening.at(1), SHUT_RD);
    run_until(loop, [&] { return !server; });
    settle(loop);
}
