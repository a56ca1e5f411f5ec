// Making, adopting and closing sockets of all kinds, and the text that tells them apart.

#include <doctest/doctest.h>

#include <cerrno>
#include <fcntl.h>
#include <pollux/instruments/call_hook.hpp>
#include <pollux/net/socket.hpp>
#include <string>
#include <utility>

#include "support/descriptor_ledger.hpp"
#include "support/library_sockets.hpp"
#include "support/observing.hpp"
#include "support/sockets.hpp"

using namespace pollux;
using namespace pollux_test;

namespace {

int descriptor_flags(const Socket& socket) { return ::fcntl(socket.fd(), F_GETFD); }
int status_flags(const Socket& socket) { return ::fcntl(socket.fd(), F_GETFL); }

} // namespace

TEST_CASE("a socket that owns nothing answers EBADF") {
    const DescriptorLedger ledger;
    Socket nothing;
    CHECK_FALSE(nothing);
    CHECK(is(read_once(nothing), IoState::error, 0, EBADF));
    CHECK(is(nothing.write(bytes_of("x")), IoState::error, 0, EBADF));
    CHECK_EQ(nothing.accept().error, EBADF);
    CHECK(nothing.connect(Address::ipv4_loopback(1)).error_code() ==
          std::errc::bad_file_descriptor);
    CHECK(nothing.take_error() == std::errc::bad_file_descriptor);
    CHECK(nothing.shutdown() == std::errc::bad_file_descriptor);
    CHECK_EQ(failure([&] { nothing.local(); }), "getsockname: Bad file descriptor");
    CHECK_EQ(failure([&] { nothing.peer(); }), "getpeername: Bad file descriptor");
    CHECK_EQ(failure([&] { nothing.set(option::no_delay, true); }),
             "setsockopt TCP_NODELAY: Bad file descriptor");
}

TEST_CASE("set-up failures name the call and its object") {
    const DescriptorLedger ledger;
    CHECK_EQ(failure([] { Socket::open(AF_INET, SOCK_STREAM, IPPROTO_UDP); }),
             "socket AF_INET SOCK_STREAM IPPROTO_UDP: Protocol not supported");
    const Socket listener = Socket::listen(Address::ipv4_loopback(0));
    const std::string taken = listener.local().to_string();
    CHECK_EQ(failure([&] { Socket::listen(listener.local()); }),
             "bind " + taken + ": Address already in use");
    {
        const CallHook hook{failing("bind", EACCES)};
        CHECK_EQ(failure([] { Socket::listen(Address::ipv4_loopback(80)); }),
                 "bind 127.0.0.1:80: Permission denied");
    }
    const CallHook hook{failing("listen", EADDRINUSE)};
    CHECK_EQ(failure([] { Socket::listen(Address::ipv6_loopback(0)); }),
             "listen [::1]:0: Address already in use");
}

TEST_CASE("C8 whatever makes a socket, it does not block and is closed on exec") {
    const DescriptorLedger ledger;
    const auto [server, client] = tcp_sockets();
    const auto [one, other] = Socket::pair();
    const Socket listener = Socket::listen(Address::ipv4_loopback(0));
    Ends foreign = unix_pair();
    REQUIRE_EQ(::fcntl(foreign.ours.get(), F_SETFL, 0), 0);
    REQUIRE_EQ(::fcntl(foreign.ours.get(), F_SETFD, 0), 0);
    const Socket adopted = Socket::adopt(std::move(foreign.ours));
    for (const Socket* socket : {&server, &client, &one, &other, &listener, &adopted}) {
        CHECK((status_flags(*socket) & O_NONBLOCK) != 0);
        CHECK((descriptor_flags(*socket) & FD_CLOEXEC) != 0);
    }
}

TEST_CASE("what is no socket is not adopted") {
    const DescriptorLedger ledger;
    CHECK_EQ(failure([] { Socket::adopt(pipe_ends().ours); }),
             "getsockopt SO_TYPE: Socket operation on non-socket");
    Ends ends = unix_pair();
    const int number = ends.ours.get();
    Socket socket = Socket::adopt(std::move(ends.ours));
    const Fd released = socket.release();
    CHECK_EQ(released.get(), number);
    CHECK_FALSE(socket);
}

TEST_CASE("the read, write and accept of a faulty kernel leak no descriptor") {
    const DescriptorLedger ledger;
    for (const std::string_view call :
         {"socket", "setsockopt", "bind", "listen", "socketpair", "fcntl", "getsockopt"}) {
        const CallHook hook{failing(call, ENOMEM)};
        const std::string text = failure([] {
            const Socket listener = Socket::listen(Address::ipv4_loopback(0));
            auto pair = Socket::pair();
            const Socket adopted = Socket::adopt(pair.first.release());
        });
        CHECK_MESSAGE(text.starts_with(call), text);
        CHECK_MESSAGE(text.ends_with(": Cannot allocate memory"), text);
    }
}

TEST_CASE("a pair is of the type that was asked for, and a refusal names it") {
    const DescriptorLedger ledger;
    for (const int type : {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET}) {
        const auto [one, other] = Socket::pair(type);
        CHECK_EQ(one.type(), type);
        CHECK_EQ(other.family(), AF_UNIX);
    }
    CHECK_EQ(failure([] { Socket::pair(SOCK_RDM); }),
             "socketpair AF_UNIX SOCK_RDM: Socket type not supported");
}

TEST_CASE("sockets of every kind are made, or refused by name") {
    const DescriptorLedger ledger;
    const auto outcome = [](int family, int type, int protocol = 0) {
        return failure([&] {
            const Socket socket = Socket::open(family, type, protocol);
            CHECK_EQ(socket.family(), family);
        });
    };
    for (const int family : {AF_INET, AF_INET6, AF_UNIX}) {
        CHECK_EQ(outcome(family, SOCK_STREAM), "no failure");
        CHECK_EQ(outcome(family, SOCK_DGRAM), "no failure");
    }
    CHECK_EQ(outcome(AF_UNIX, SOCK_SEQPACKET), "no failure");
    CHECK_EQ(outcome(AF_INET, SOCK_SEQPACKET).substr(0, 30), "socket AF_INET SOCK_SEQPACKET:");
    CHECK_EQ(outcome(77, SOCK_STREAM),
             "socket 77 SOCK_STREAM: Address family not supported by protocol");
    CHECK_EQ(outcome(AF_INET, SOCK_STREAM, 200).substr(0, 31), "socket AF_INET SOCK_STREAM 200:");

    // Raw and packet sockets need CAP_NET_RAW, SCTP a module: either it works or it is said.
    const std::string raw = outcome(AF_INET, SOCK_RAW, IPPROTO_ICMP);
    CHECK_MESSAGE((raw == "no failure" ||
                   raw == "socket AF_INET SOCK_RAW IPPROTO_ICMP: Operation not permitted"),
                  raw);
    const std::string packet = outcome(AF_PACKET, SOCK_RAW, htons(0x0800));
    CHECK_MESSAGE((packet == "no failure" ||
                   packet == "socket AF_PACKET SOCK_RAW 0x0800: Operation not permitted"),
                  packet);
    const std::string sctp = outcome(AF_INET, SOCK_STREAM, IPPROTO_SCTP);
    CHECK_MESSAGE(
        (sctp == "no failure" || sctp.starts_with("socket AF_INET SOCK_STREAM IPPROTO_SCTP: ")),
        sctp);
    const CallHook hook{failing("socket", EPERM)};
    CHECK_EQ(outcome(AF_PACKET, SOCK_RAW), "socket AF_PACKET SOCK_RAW: Operation not permitted");
}

TEST_CASE("a packet socket hears a datagram on the loopback interface, where it is allowed") {
    const DescriptorLedger ledger;
    Socket packets;
    try {
        packets = Socket::open(AF_PACKET, SOCK_DGRAM);
    } catch (const std::system_error& refusal) {
        CHECK_EQ(refusal.code().value(), EPERM);
        return;
    }
    packets.bind(Address::packet("lo", 0x0800));
    CHECK(packets.to_string().find("AF_PACKET SOCK_DGRAM packet:lo 0x0800") != std::string::npos);
    auto [ours, theirs] = udp_sockets();
    CHECK(is(theirs.send_to(bytes_of("heard by all"), ours.local()), IoState::ok, 12));
    Taken taken;
    do taken = take_datagram(packets);
    while (!taken.text.ends_with("heard by all"));
    CHECK(taken.result.from.to_string().starts_with("packet:lo 0x0800 00:00:00:00:00:00"));
}

TEST_CASE("the text of a socket tells its kind and its two ends") {
    const DescriptorLedger ledger;
    CHECK_EQ(Socket{}.to_string(), "socket closed");
    const auto [server, client] = tcp_sockets();
    CHECK_EQ(client.to_string(),
             "socket fd=" + std::to_string(client.fd()) + " AF_INET SOCK_STREAM IPPROTO_TCP " +
                 client.local().to_string() + " -> " + server.local().to_string());
    const Socket listener = Socket::listen(Address::ipv6_loopback(0));
    CHECK(listener.to_string().ends_with(" AF_INET6 SOCK_STREAM IPPROTO_TCP " +
                                         listener.local().to_string() + " listening"));
    CHECK(Socket::open(AF_INET, SOCK_DGRAM).to_string().ends_with("IPPROTO_UDP 0.0.0.0:0"));
    CHECK(Socket::pair(SOCK_SEQPACKET)
              .first.to_string()
              .ends_with(" AF_UNIX SOCK_SEQPACKET unnamed -> unnamed"));
}
