// Datagrams keep their boundaries, their senders, and their errors.

#include <doctest/doctest.h>

#include <array>
#include <cerrno>
#include <poll.h>
#include <pollux/instruments/call_hook.hpp>
#include <pollux/net/interface.hpp>
#include <pollux/net/socket.hpp>
#include <string>

#include "support/descriptor_ledger.hpp"
#include "support/library_sockets.hpp"
#include "support/observing.hpp"

using namespace pollux;
using namespace pollux_test;

TEST_CASE("a datagram comes whole, with its sender, over IPv4, IPv6 and Unix") {
    const DescriptorLedger ledger;
    const Directory directory;
    const std::array ends{
        std::pair{Address::ipv4_loopback(0), Address::ipv4_loopback(0)},
        std::pair{Address::ipv6_loopback(0), Address::ipv6_loopback(0)},
        std::pair{Address::unix_path(directory / "a"), Address::unix_path(directory / "b")},
    };
    for (const auto& [one, other] : ends) {
        Socket ours = Socket::datagram(one);
        Socket theirs = Socket::datagram(other);
        CHECK(is(theirs.send_to(bytes_of("first"), ours.local()), IoState::ok, 5));
        CHECK(is(theirs.send_to(bytes_of("second"), ours.local()), IoState::ok, 6));
        const Taken first = take_datagram(ours);
        CHECK_EQ(first.text, "first");
        CHECK(first.result.from == theirs.local());
        CHECK_FALSE(first.result.truncated);
        CHECK_EQ(take_datagram(ours).text, "second");
        std::array<std::byte, 8> buffer{};
        CHECK(ours.receive_from(buffer).state == IoState::would_block);
    }
}

TEST_CASE("a Unix sender without a name is unnamed") {
    const DescriptorLedger ledger;
    const Directory directory;
    Socket ours = Socket::datagram(Address::unix_path(directory / "s"));
    Socket theirs = Socket::open(AF_UNIX, SOCK_DGRAM);
    CHECK(is(theirs.send_to(bytes_of("x"), ours.local()), IoState::ok, 1));
    CHECK(take_datagram(ours).result.from.unnamed());
}

TEST_CASE("U2 an empty datagram is a datagram, never the end") {
    const DescriptorLedger ledger;
    auto [ours, theirs] = udp_sockets();
    CHECK(is(theirs.send_to({}, ours.local()), IoState::ok));
    const Taken taken = take_datagram(ours);
    CHECK_EQ(taken.result.bytes, 0);
    CHECK(taken.result.from == theirs.local());
    REQUIRE(theirs.connect(ours.local()).state == ConnectState::connected);
    CHECK(is(theirs.send({}), IoState::ok));
    CHECK_EQ(take_datagram(ours).result.bytes, 0);
}

TEST_CASE("U3 a datagram that does not fit is cut, and that is said") {
    const DescriptorLedger ledger;
    auto [ours, theirs] = udp_sockets();
    CHECK(is(theirs.send_to(bytes_of("0123456789"), ours.local()), IoState::ok, 10));
    CHECK(is(theirs.send_to(bytes_of("next"), ours.local()), IoState::ok, 4));
    const Taken whole_length = take_datagram(ours, 4, MSG_PEEK | MSG_TRUNC);
    CHECK_EQ(whole_length.result.bytes, 10);
    CHECK(whole_length.result.truncated);
    const Taken cut = take_datagram(ours, 4);
    CHECK_EQ(cut.text, "0123");
    CHECK(cut.result.truncated);
    const Taken next = take_datagram(ours, 4);
    CHECK_EQ(next.text, "next");
    CHECK_FALSE(next.result.truncated);
}

TEST_CASE("U4 nobody at the other port is an error once, and the socket lives on") {
    const DescriptorLedger ledger;
    Socket ours = Socket::datagram(Address::ipv4_loopback(0));
    Socket gone = Socket::datagram(Address::ipv4_loopback(0));
    const Address address = gone.local();
    REQUIRE(ours.connect(address).state == ConnectState::connected);
    gone.close();
    CHECK(is(ours.send(bytes_of("x")), IoState::ok, 1));
    await(ours, POLLERR);
    std::array<std::byte, 8> buffer{};
    CHECK(ours.receive_from(buffer).error_code() == std::errc::connection_refused);
    CHECK(ours.receive_from(buffer).state == IoState::would_block);
    gone = Socket::datagram(address);
    CHECK(is(gone.send_to(bytes_of("back"), ours.local()), IoState::ok, 4));
    CHECK_EQ(take_datagram(ours).text, "back");
}

TEST_CASE("U5 a datagram that is too long is EMSGSIZE") {
    const DescriptorLedger ledger;
    auto [ours, theirs] = udp_sockets();
    const std::string longest(65'507, 'x');
    CHECK(is(theirs.send_to(bytes_of(longest + "x"), ours.local()), IoState::error, 0, EMSGSIZE));
    CHECK(is(theirs.send_to(bytes_of(longest), ours.local()), IoState::ok, longest.size()));
    CHECK(take_datagram(ours).text == longest);
}

TEST_CASE("U7 a full queue is would-block or ENOBUFS, and an interrupted call is repeated") {
    const DescriptorLedger ledger;
    auto [one, other] = Socket::pair(SOCK_DGRAM);
    const std::string block(1000, 'b');
    std::size_t sent = 0;
    IoResult result = one.send(bytes_of(block));
    for (; result.state == IoState::ok; result = one.send(bytes_of(block))) ++sent;
    CHECK(is(result, IoState::would_block));
    CHECK_GT(sent, 0);

    auto [ours, theirs] = udp_sockets();
    {
        const CallHook hook{failing("sendto", ENOBUFS)};
        CHECK(is(theirs.send_to(bytes_of("x"), ours.local()), IoState::error, 0, ENOBUFS));
    }
    {
        const CallHook hook{failing("sendto", EINTR, 3)};
        CHECK(is(theirs.send_to(bytes_of("x"), ours.local()), IoState::ok, 1));
    }
    await(ours, POLLIN);
    const CallHook hook{failing("recvmsg", EINTR, 3)};
    CHECK_EQ(take_datagram(ours).text, "x");
}

TEST_CASE("sequenced packets keep boundaries and have an end") {
    const DescriptorLedger ledger;
    auto [one, other] = Socket::pair(SOCK_SEQPACKET);
    CHECK(is(one.send(bytes_of("first")), IoState::ok, 5));
    CHECK(is(one.send(bytes_of("second")), IoState::ok, 6));
    one.close();
    CHECK_EQ(read_text(other), "first");
    CHECK_EQ(read_text(other), "second");
    CHECK(is(read_once(other), IoState::end));
}

TEST_CASE("flags: what is peeked at stays, urgent data goes past the rest") {
    const DescriptorLedger ledger;
    auto [server, client] = tcp_sockets();
    CHECK(is(client.send(bytes_of("abc")), IoState::ok, 3));
    await(server, POLLIN);
    std::array<std::byte, 8> buffer{};
    CHECK(is(server.receive(buffer, MSG_PEEK), IoState::ok, 3));
    CHECK(is(client.send(bytes_of("!"), MSG_OOB), IoState::ok, 1));
    await(server, POLLPRI);
    CHECK(is(server.receive(buffer, MSG_OOB), IoState::ok, 1));
    CHECK_EQ(text_of(buffer).front(), '!');
    CHECK_EQ(read_text(server), "abc");
}

TEST_CASE("to nobody by name is to whom the socket is connected to") {
    const DescriptorLedger ledger;
    auto [ours, theirs] = udp_sockets();
    CHECK(is(ours.send_to(bytes_of("x"), {}), IoState::error, 0, EDESTADDRREQ));
    CHECK(ours.connect(theirs.local()).state == ConnectState::connected);
    CHECK(is(ours.send_to(bytes_of("to you"), {}), IoState::ok, 6));
    CHECK_EQ(take_datagram(theirs).text, "to you");
}

TEST_CASE("multicast reaches who has joined, once, and no more after leaving") {
    const DescriptorLedger ledger;
    const unsigned lo = interface_number("lo");
    Socket member = Socket::datagram(Address::ipv4_any(0));
    const Address group = Address::of("239.255.77.1", member.local().port());
    member.set(option::multicast_all, false);
    member.join_group(group, lo);
    CHECK_EQ(failure([&] { member.join_group(group, lo); }),
             "setsockopt MCAST_JOIN_GROUP " + group.to_string() + ": Address already in use");
    Socket sender = Socket::open(AF_INET, SOCK_DGRAM);
    sender.set_multicast_interface(lo);
    CHECK(is(sender.send_to(bytes_of("to all"), group), IoState::ok, 6));
    CHECK_EQ(take_datagram(member).text, "to all");
    member.leave_group(group, lo);
    CHECK(failure([&] {
              member.leave_group(group, lo);
          }).ends_with(": Cannot assign requested address"));
    CHECK(is(sender.send_to(bytes_of("to nobody"), group), IoState::ok, 9));
    CHECK(is(sender.send_to(bytes_of("to one"), Address::ipv4_loopback(group.port())), IoState::ok,
             6));
    CHECK_EQ(take_datagram(member).text, "to one");
}

TEST_CASE("multicast of IPv6 is joined the same way") {
    const DescriptorLedger ledger;
    const unsigned lo = interface_number("lo");
    Socket member = Socket::datagram(Address::ipv6_any(0));
    const Address group = Address::of("ff01::77%lo", member.local().port());
    member.join_group(group, lo);
    Socket sender = Socket::open(AF_INET6, SOCK_DGRAM);
    sender.set_multicast_interface(lo);
    const IoResult sent = sender.send_to(bytes_of("to all"), group);
    if (sent.state == IoState::ok)
        CHECK_EQ(take_datagram(member).text, "to all");
    else
        CHECK_EQ(sent.error, ENETUNREACH); // few machines route IPv6 multicast over loopback
    member.leave_group(group, lo);
    CHECK(failure([&] {
              member.leave_group(group, lo);
          }).ends_with(": Cannot assign requested address"));
}

TEST_CASE("an interface that is not there is named") {
    CHECK_EQ(failure([] { interface_number("no-such-one"); }),
             "if_nametoindex no-such-one: No such device");
    CHECK_EQ(interface_name(interface_number("lo")), "lo");
    CHECK_EQ(interface_name(4'000'000), "4000000");
}
