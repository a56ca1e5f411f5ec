// The states of a stream, as reading and writing tell them.

#include <doctest/doctest.h>

#include <array>
#include <cerrno>
#include <climits>
#include <poll.h>
#include <pollux/instruments/call_hook.hpp>
#include <pollux/net/socket.hpp>
#include <string>
#include <vector>

#include "support/descriptor_ledger.hpp"
#include "support/library_sockets.hpp"
#include "support/observing.hpp"
#include "support/sockets.hpp"

using namespace pollux;
using namespace pollux_test;

TEST_CASE("S10 reading and writing nothing does nothing and is never the end") {
    const DescriptorLedger ledger;
    auto [ours, theirs] = Socket::pair();
    theirs.close();
    int calls = 0;
    const CallHook hook{[&](const CallPoint&) -> CallOutcome {
        ++calls;
        return {};
    }};
    CHECK(is(ours.read({}), IoState::ok));
    CHECK(is(ours.write(ByteView{}), IoState::ok));
    CHECK(is(ours.write(std::span<const ByteView>{}), IoState::ok));
    const std::array<ByteView, 2> empty{};
    CHECK(is(ours.write(empty), IoState::ok));
    CHECK_EQ(calls, 0);
}

TEST_CASE("a read tells apart: data, nothing yet, the end, a reset") {
    const DescriptorLedger ledger;
    auto [server, client] = tcp_sockets();
    CHECK(is(read_once(server), IoState::would_block));
    CHECK_FALSE(read_once(server).error_code());
    CHECK(is(client.write(bytes_of("abc")), IoState::ok, 3));
    await(server, POLLIN);
    CHECK_EQ(read_text(server, 2), "ab");
    CHECK_EQ(read_text(server), "c");
    SUBCASE("S4 the end is of one direction") {
        CHECK_FALSE(client.shutdown_write());
        await(server, POLLIN);
        CHECK(is(read_once(server), IoState::end));
        CHECK(is(server.write(bytes_of("reply")), IoState::ok, 5));
        await(client, POLLIN);
        CHECK_EQ(read_text(client), "reply");
    }
    SUBCASE("S7 bug-E1 a reset is reported once, then it is the end") {
        reset(client);
        await(server, POLLIN);
        CHECK(read_once(server).error_code() == std::errc::connection_reset);
        CHECK(is(read_once(server), IoState::end));
    }
    SUBCASE("bug-E1 taking the error steals it from the read") {
        reset(client);
        await(server, POLLIN);
        CHECK(server.take_error() == std::errc::connection_reset);
        CHECK(is(read_once(server), IoState::end));
    }
    SUBCASE("our own shutdown") {
        CHECK_FALSE(server.shutdown_read());
        CHECK(is(read_once(server), IoState::end));
        CHECK_FALSE(server.shutdown());
        CHECK(is(server.write(bytes_of("x")), IoState::error, 0, EPIPE));
    }
}

TEST_CASE("bug-E2 writing to a peer that is gone is EPIPE, not a signal") {
    const DescriptorLedger ledger;
    auto [ours, theirs] = Socket::pair();
    theirs.close();
    const std::array<ByteView, 2> pieces{bytes_of("a"), bytes_of("b")};
    CHECK(is(ours.write(bytes_of("x")), IoState::error, 0, EPIPE));
    CHECK(is(ours.write(pieces), IoState::error, 0, EPIPE));
}

TEST_CASE("a full kernel takes a part, then nothing") {
    const DescriptorLedger ledger;
    auto [ours, theirs] = Socket::pair();
    const std::string block(4'000'000, 'b');
    const IoResult part = ours.write(bytes_of(block));
    CHECK(part.state == IoState::ok);
    CHECK_LT(part.bytes, block.size());
    IoResult result = part;
    while (result.state == IoState::ok) result = ours.write(bytes_of(block));
    CHECK(is(result, IoState::would_block));
    const std::array<ByteView, 1> piece{bytes_of(block)};
    CHECK(is(ours.write(piece), IoState::would_block));
}

TEST_CASE("S3 of more than IOV_MAX pieces the first IOV_MAX that hold something are taken") {
    const DescriptorLedger ledger;
    auto [ours, theirs] = Socket::pair();
    std::string text;
    for (int place = 0; place < 3000; ++place) text += static_cast<char>('a' + place % 26);
    std::vector<ByteView> pieces;
    for (std::size_t place = 0; place < text.size(); ++place) {
        pieces.push_back(bytes_of(std::string_view{text}.substr(place, 1)));
        pieces.emplace_back(); // empty ones take no room
    }
    CHECK(is(ours.write(pieces), IoState::ok, IOV_MAX));
    CHECK_EQ(read_text(theirs), text.substr(0, IOV_MAX));
    pieces.resize(std::size_t{2} * IOV_MAX);
    CHECK(is(ours.write(pieces), IoState::ok, IOV_MAX));
    CHECK_EQ(read_text(theirs), text.substr(0, IOV_MAX));
}

TEST_CASE("S16 an interrupted call is repeated") {
    const DescriptorLedger ledger;
    auto [ours, theirs] = Socket::pair();
    const std::array<ByteView, 2> pieces{bytes_of("cd"), bytes_of("ef")};
    {
        const CallHook hook{failing("send", EINTR, 3)};
        CHECK(is(ours.write(bytes_of("ab")), IoState::ok, 2));
    }
    {
        const CallHook hook{failing("sendmsg", EINTR, 3)};
        CHECK(is(ours.write(pieces), IoState::ok, 4));
    }
    {
        const CallHook hook{failing("recv", EINTR, 3)};
        CHECK_EQ(read_text(theirs), "abcdef");
    }
    Socket listener = Socket::listen(Address::ipv4_loopback(0));
    const Fd client = tcp_client(listener.local().port());
    await(listener, POLLIN);
    const CallHook hook{failing("accept4", EINTR, 3)};
    CHECK_EQ(listener.accept().error, 0);
}

TEST_CASE("S16 would-block is a state, ENOBUFS is an error with its number") {
    const DescriptorLedger ledger;
    auto [ours, theirs] = Socket::pair();
    for (const int error : {ENOBUFS, ENOMEM, ECONNRESET, ETIMEDOUT}) {
        const CallHook hook{failing("send", error)};
        CHECK(is(ours.write(bytes_of("x")), IoState::error, 0, error));
    }
    const CallHook hook{failing("send", EWOULDBLOCK)};
    CHECK(is(ours.write(bytes_of("x")), IoState::would_block));
}

TEST_CASE("short transfers are reported as they are") {
    const DescriptorLedger ledger;
    auto [ours, theirs] = Socket::pair();
    const CallHook hook{[](const CallPoint&) { return at_most(3); }};
    const std::array<ByteView, 2> pieces{bytes_of("ab"), bytes_of("cdef")};
    CHECK(is(ours.write(bytes_of("12345")), IoState::ok, 3));
    CHECK(is(ours.write(pieces), IoState::ok, 3));
    CHECK_EQ(read_text(theirs), "123");
    CHECK_EQ(read_text(theirs), "abc");
}
