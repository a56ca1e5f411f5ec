// How connections come about, and how not.

#include <doctest/doctest.h>

#include <cerrno>
#include <poll.h>
#include <pollux/instruments/call_hook.hpp>
#include <pollux/net/socket.hpp>

#include "support/descriptor_ledger.hpp"
#include "support/library_sockets.hpp"
#include "support/observing.hpp"
#include "support/sockets.hpp"

using namespace pollux;
using namespace pollux_test;

TEST_CASE("accept reports each error as a value, and an empty queue as EAGAIN") {
    const DescriptorLedger ledger;
    Socket listener = Socket::listen(Address::ipv4_loopback(0));
    CHECK_EQ(listener.accept().error, EAGAIN);
    const Fd client = tcp_client(listener.local().port());
    await(listener, POLLIN);
    for (const int error : {EMFILE, ENFILE, ENOBUFS, ENOMEM, ECONNABORTED, EPROTO, EPERM}) {
        const CallHook hook{failing("accept4", error)};
        const Accepted refused = listener.accept();
        CHECK_EQ(refused.error, error);
        CHECK_FALSE(refused.socket);
    }
    const Accepted accepted = listener.accept();
    CHECK_EQ(accepted.error, 0);
    CHECK(accepted.socket.peer().port() == port_of(client));
}

TEST_CASE("C5 a reset before accept is found by the first read, not by accept") {
    const DescriptorLedger ledger;
    Socket listener = Socket::listen(Address::ipv4_loopback(0));
    Fd client = tcp_client(listener.local().port());
    await(listener, POLLIN);
    pollux_test::reset(client);
    Accepted accepted = listener.accept();
    REQUIRE_EQ(accepted.error, 0);
    await(accepted.socket, POLLIN);
    CHECK(accepted.socket.peer().unnamed());
    CHECK(is(read_once(accepted.socket), IoState::error, 0, ECONNRESET));
    CHECK(is(read_once(accepted.socket), IoState::end));

    const Fd next = tcp_client(listener.local().port());
    await(listener, POLLIN);
    CHECK_EQ(listener.accept().error, 0);
}

TEST_CASE("C9 bug-D4 the peer of an accepted Unix socket is unnamed") {
    const DescriptorLedger ledger;
    const Directory directory;
    Socket listener = Socket::listen(Address::unix_path(directory / "s"));
    Socket client = Socket::open(AF_UNIX);
    CHECK(client.connect(listener.local()).state == ConnectState::connected);
    const Accepted accepted = listener.accept();
    REQUIRE_EQ(accepted.error, 0);
    CHECK(accepted.socket.peer().unnamed());
    CHECK_EQ(accepted.socket.peer().family(), AF_UNIX);
    CHECK(client.peer() == listener.local());
}

TEST_CASE("C10 a refused connect is an error, at once or when it is done") {
    const DescriptorLedger ledger;
    const Address nobody = Socket::listen(Address::ipv4_loopback(0)).local();
    Socket client = Socket::open(AF_INET);
    const ConnectResult result = client.connect(nobody);
    if (result.state == ConnectState::in_progress) {
        await(client, POLLOUT);
        CHECK(client.take_error() == std::errc::connection_refused);
        CHECK_FALSE(client.take_error());
    } else {
        CHECK_EQ(result.error, ECONNREFUSED);
    }
    const Directory directory;
    CHECK_EQ(Socket::open(AF_UNIX).connect(Address::unix_path(directory / "none")).error, ENOENT);
    CHECK_EQ(Socket::open(AF_UNIX).connect(Address::abstract("pollux none")).error, ECONNREFUSED);
    CHECK_EQ(Socket::open(AF_INET).connect(Address{}).error, EINVAL);
}

TEST_CASE("P8 an interrupted connect goes on and is not repeated") {
    const DescriptorLedger ledger;
    const Socket listener = Socket::listen(Address::ipv4_loopback(0));
    int calls = 0;
    const CallHook hook{[&](const CallPoint& call) -> CallOutcome {
        calls += call.name == "connect" ? 1 : 0;
        return error_outcome(call.name == "connect" ? EINTR : 0);
    }};
    Socket client = Socket::open(AF_INET);
    const ConnectResult result = client.connect(listener.local());
    CHECK(result.state == ConnectState::in_progress);
    CHECK_EQ(result.error, 0);
    CHECK_EQ(calls, 1);
}

TEST_CASE("C13 bug-D6 a Unix listener whose queue is full answers EAGAIN") {
    const DescriptorLedger ledger;
    const Directory directory;
    const Address address = Address::unix_path(directory / "s");
    Socket listener = Socket::listen(address, {.backlog = 0});
    Socket first = Socket::open(AF_UNIX);
    CHECK(first.connect(address).state == ConnectState::connected);
    Socket second = Socket::open(AF_UNIX);
    const ConnectResult full = second.connect(address);
    CHECK(full.state == ConnectState::error);
    CHECK_EQ(full.error, EAGAIN);
    CHECK_EQ(listener.accept().error, 0);
    CHECK(second.connect(address).state == ConnectState::connected);
}

TEST_CASE("bug-F12 a link-local address without its scope cannot be connected to") {
    const DescriptorLedger ledger;
    CHECK_EQ(Socket::open(AF_INET6).connect(Address::parse("[fe80::1]:1")).error, EINVAL);
}

TEST_CASE("C14 bug-D8 a socket connected to itself shows by its addresses") {
    const DescriptorLedger ledger;
    Socket socket = Socket::open(AF_INET);
    socket.bind(Address::ipv4_loopback(0));
    REQUIRE(socket.connect(socket.local()).state != ConnectState::error);
    await(socket, POLLOUT);
    CHECK(socket.local() == socket.peer());
}
