// What is said of listening, accepting and connecting: docs/what_tutorials_say.md.

#include "support/descriptor_ledger.hpp"
#include "support/listen_queue.hpp"
#include "support/sockets.hpp"

#include <doctest/doctest.h>

#include <arpa/inet.h>
#include <cerrno>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pollux/error.hpp>
#include <sys/socket.h>
#include <vector>

using namespace pollux;
using namespace pollux_test;

namespace {

Fd tcp_socket(int flags = 0) {
    return Fd{check(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | flags, 0), "socket")};
}

// 0, or the errno value of a refusal. Port 0: the kernel chooses.
template <class Call> int outcome(Call call, const Fd& socket, int port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return call(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) < 0 ? errno
                                                                                         : 0;
}
int bind_to(const Fd& socket, int port) { return outcome(::bind, socket, port); }
int connect_to(const Fd& socket, int port) { return outcome(::connect, socket, port); }
int listen_at(const Fd& socket) { return ::listen(socket.get(), 5) < 0 ? errno : 0; }

void allow(const Fd& socket, int option) {
    const int on = 1;
    check(::setsockopt(socket.get(), SOL_SOCKET, option, &on, sizeof on), "setsockopt");
}

int pending_error(const Fd& socket) {
    int error = 0;
    socklen_t size = sizeof error;
    check(::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &error, &size), "getsockopt");
    return error;
}

Fd accept_from(const Fd& listener) {
    await(listener, POLLIN);
    return Fd{check(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC), "accept4")};
}

bool blocks(const Fd& fd) { return (check(::fcntl(fd.get(), F_GETFL), "fcntl") & O_NONBLOCK) == 0; }

} // namespace

TEST_CASE("'listen(5) serves five clients and refuses the rest': it bounds those that wait") {
    const DescriptorLedger ledger;
    const Fd listener = tcp_listener(5);
    std::vector<Fd> clients;
    std::vector<Fd> served;
    for (int round = 0; round < 3; ++round) {
        for (int i = 0; i < 6; ++i) clients.push_back(tcp_client(port_of(listener)));
        for (int i = 0; i < 6; ++i) served.push_back(accept_from(listener));
    }
    CHECK_EQ(served.size(), 18); // who is served does not count

    for (int i = 0; i < 6; ++i) clients.push_back(tcp_client(port_of(listener)));
    await_in_queue(listener, 6);
    const Fd late = tcp_socket(SOCK_NONBLOCK);
    CHECK_EQ(connect_to(late, port_of(listener)), EINPROGRESS);
    CHECK_EQ(state(late, POLLOUT), 0); // not connected …
    CHECK_EQ(pending_error(late), 0);  // … and not refused: its SYN was dropped

    served.push_back(accept_from(listener));
    await(late, POLLOUT); // TCP sends the SYN again after a second
    CHECK_EQ(pending_error(late), 0);
}

TEST_CASE("'connect returns when the server accepts': the kernel connects by itself") {
    const DescriptorLedger ledger;
    const Fd listener = tcp_listener();
    const Fd client = tcp_client(port_of(listener)); // a blocking connect
    put(client, "hello");
    const Fd accepted = accept_from(listener); // only now
    await(accepted, POLLIN);
    CHECK_EQ(take(accepted), "hello");
}

TEST_CASE("'a socket that became writable is connected': or it has failed") {
    const DescriptorLedger ledger;
    const Fd nobody = tcp_socket(); // has a port and does not listen
    REQUIRE_EQ(bind_to(nobody, 0), 0);
    const Fd client = tcp_socket(SOCK_NONBLOCK);
    CHECK_EQ(connect_to(client, port_of(nobody)), EINPROGRESS);
    await(client, POLLOUT);
    CHECK((state(client, POLLOUT) & POLLOUT) != 0);
    CHECK_EQ(pending_error(client), ECONNREFUSED);
}

TEST_CASE("'SO_REUSEADDR lets several sockets listen on one port': SO_REUSEPORT does") {
    const DescriptorLedger ledger;
    for (const int option : {SO_REUSEADDR, SO_REUSEPORT}) {
        const Fd first = tcp_socket();
        const Fd second = tcp_socket();
        allow(first, option);
        allow(second, option);
        REQUIRE_EQ(bind_to(first, 0), 0);
        CHECK_EQ(bind_to(second, port_of(first)), 0); // both may be bound
        CHECK_EQ(listen_at(first), 0);
        CHECK_EQ(listen_at(second), option == SO_REUSEPORT ? 0 : EADDRINUSE);
        const Fd third = tcp_socket();
        allow(third, option);
        CHECK_EQ(bind_to(third, port_of(first)), option == SO_REUSEPORT ? 0 : EADDRINUSE);
    }
}

TEST_CASE("'SO_REUSEADDR is needed only at the restart': the old sockets must have had it too") {
    const DescriptorLedger ledger;
    for (const bool first_had_it : {true, false}) {
        Fd listener = tcp_socket();
        if (first_had_it) allow(listener, SO_REUSEADDR);
        REQUIRE_EQ(bind_to(listener, 0), 0);
        REQUIRE_EQ(listen_at(listener), 0);
        const int port = port_of(listener);
        Fd client = tcp_client(port);
        Fd served = accept_from(listener);
        listener.reset();
        served.reset(); // the server ends first: TIME_WAIT is on its side
        await(client, POLLIN);
        client.reset();

        const Fd bare = tcp_socket();
        CHECK_EQ(bind_to(bare, port), EADDRINUSE);
        const Fd restarted = tcp_socket();
        allow(restarted, SO_REUSEADDR);
        CHECK_EQ(bind_to(restarted, port), first_had_it ? 0 : EADDRINUSE);
    }
}

TEST_CASE("'a socket can be bound to a second address': it is bound once") {
    const DescriptorLedger ledger;
    const Fd socket = tcp_socket();
    CHECK_EQ(bind_to(socket, 0), 0);
    CHECK_EQ(bind_to(socket, 0), EINVAL);
    const Fd listener = tcp_listener();
    const Fd client = tcp_client(port_of(listener)); // connect has bound it
    CHECK_EQ(bind_to(client, 0), EINVAL);
}

TEST_CASE("'what accept returns is non-blocking like its listener': not on Linux") {
    const DescriptorLedger ledger;
    const Fd listener = tcp_listener();
    REQUIRE_FALSE(blocks(listener));
    const Fd first = tcp_client(port_of(listener));
    const Fd second = tcp_client(port_of(listener));
    await_in_queue(listener, 2);
    const Fd plain{::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC)};
    CHECK(blocks(plain));
    const Fd asked{::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK)};
    CHECK_FALSE(blocks(asked));
}
