// What goes beside the bytes: descriptors, credentials, paths, times, and counts.

#include <doctest/doctest.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <fcntl.h>
#include <linux/net_tstamp.h>
#include <poll.h>
#include <pollux/instruments/call_hook.hpp>
#include <pollux/net/interface.hpp>
#include <pollux/net/message.hpp>
#include <string>
#include <string_view>
#include <sys/resource.h>
#include <unistd.h>
#include <utility>
#include <vector>

#include "support/descriptor_ledger.hpp"
#include "support/library_sockets.hpp"
#include "support/observing.hpp"
#include "support/sockets.hpp"

using namespace pollux;
using namespace pollux_test;
using namespace std::chrono_literals;

namespace {

struct Got {
    std::string text;
    IncomingMessage message;
};

Got receive_when_ready(Socket& from, std::size_t most = 64) {
    await(from, POLLIN);
    std::string text(most, '\0');
    IncomingMessage message = from.receive_message(std::as_writable_bytes(std::span{text}));
    text.resize(message.bytes);
    return {std::move(text), std::move(message)};
}

// While it lives, this process can open only so many descriptors more.
class RoomForDescriptors {
public:
    explicit RoomForDescriptors(unsigned more) {
        REQUIRE_EQ(::getrlimit(RLIMIT_NOFILE, &before_), 0);
        std::vector<Fd> probes;
        for (unsigned place = 0; place <= more; ++place) probes.emplace_back(::dup(0));
        const rlimit tight{.rlim_cur = static_cast<rlim_t>(probes.back().get()),
                           .rlim_max = before_.rlim_max};
        REQUIRE_EQ(::setrlimit(RLIMIT_NOFILE, &tight), 0);
    }
    ~RoomForDescriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }
    RoomForDescriptors(const RoomForDescriptors&) = delete;
    RoomForDescriptors& operator=(const RoomForDescriptors&) = delete;

private:
    rlimit before_{};
};

} // namespace

TEST_CASE("descriptors are passed, owned by who receives them, and closed on exec") {
    const DescriptorLedger ledger;
    for (const int type : {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET}) {
        auto [ours, theirs] = Socket::pair(type);
        Ends pipe = pipe_ends();
        const std::array pieces{bytes_of("two "), bytes_of("ends")};
        const std::array passed{pipe.ours.get(), pipe.theirs.get()};
        CHECK(is(theirs.send_message({.pieces = pieces, .descriptors = passed}), IoState::ok, 8));
        pipe.ours.reset();
        pipe.theirs.reset();
        const Got got = receive_when_ready(ours);
        CHECK_EQ(got.text, "two ends");
        CHECK_FALSE(got.message.control_truncated);
        REQUIRE_EQ(got.message.descriptors.size(), 2);
        put(got.message.descriptors[1], "through");
        CHECK_EQ(take(got.message.descriptors[0]), "through");
        CHECK_EQ(::fcntl(got.message.descriptors[0].get(), F_GETFD), FD_CLOEXEC);
    }
}

TEST_CASE("without room for descriptors some are missing, that is said, and none leaks") {
    const DescriptorLedger ledger;
    auto [ours, theirs] = Socket::pair();
    const std::array pieces{bytes_of("x")};
    const std::vector<int> passed(5, ours.fd());
    CHECK(is(theirs.send_message({.pieces = pieces, .descriptors = passed}), IoState::ok, 1));
    const RoomForDescriptors room{2};
    const Got got = receive_when_ready(ours);
    CHECK_EQ(got.text, "x");
    CHECK(got.message.control_truncated);
    CHECK_EQ(got.message.descriptors.size(), 2);
}

TEST_CASE("as many descriptors as the kernel passes at once, and one more") {
    const DescriptorLedger ledger;
    auto [ours, theirs] = Socket::pair();
    const std::array pieces{bytes_of("x")};
    std::vector<int> passed(253, ours.fd());
    CHECK(is(theirs.send_message({.pieces = pieces, .descriptors = passed}), IoState::ok, 1));
    CHECK_EQ(receive_when_ready(ours).message.descriptors.size(), 253);
    passed.push_back(ours.fd());
    CHECK(is(theirs.send_message({.pieces = pieces, .descriptors = passed}), IoState::error, 0,
             EINVAL));
}

TEST_CASE("credentials tell who sent") {
    const DescriptorLedger ledger;
    auto [ours, theirs] = Socket::pair(SOCK_DGRAM);
    ours.set(option::pass_credentials, true);
    const std::array pieces{bytes_of("me")};
    CHECK(is(theirs.send_message({.pieces = pieces}), IoState::ok, 2));
    const Got silent = receive_when_ready(ours);
    REQUIRE(silent.message.credentials.has_value());
    CHECK_EQ(silent.message.credentials->pid, ::getpid());
    const ucred mine{.pid = ::getpid(), .uid = ::getuid(), .gid = ::getgid()};
    CHECK(is(theirs.send_message({.pieces = pieces, .credentials = mine}), IoState::ok, 2));
    const Got said = receive_when_ready(ours);
    CHECK_EQ(said.message.credentials->uid, ::getuid());
}

TEST_CASE("a datagram tells which of our addresses it came to, and is answered from there") {
    const DescriptorLedger ledger;
    const std::array kinds{std::pair{Address::ipv4_any(0), Address::ipv4_loopback(0)},
                           std::pair{Address::ipv6_any(0), Address::ipv6_loopback(0)}};
    for (const auto& [anywhere, loopback] : kinds) {
        const bool is_v6 = anywhere.family() == AF_INET6;
        Socket ours = Socket::datagram(anywhere);
        ours.set(is_v6 ? option::v6_packet_path : option::packet_path, true);
        Socket theirs = Socket::datagram(loopback);
        const Address to = Address::of(is_v6 ? "::1" : "127.0.0.2", ours.local().port());
        CHECK(is(theirs.send_to(bytes_of("ask"), to), IoState::ok, 3));
        const Got asked = receive_when_ready(ours);
        CHECK(asked.message.from == theirs.local());
        REQUIRE(asked.message.path.has_value());
        CHECK(asked.message.path->address == Address::of(is_v6 ? "::1" : "127.0.0.2", 0));
        CHECK_EQ(interface_name(asked.message.path->interface), "lo");

        const std::array answer{bytes_of("answer")};
        CHECK(is(ours.send_message(
                     {.pieces = answer, .to = asked.message.from, .from = asked.message.path}),
                 IoState::ok, 6));
        CHECK(take_datagram(theirs).result.from == to);
    }
}

TEST_CASE("the time of arrival comes in microseconds or nanoseconds") {
    const DescriptorLedger ledger;
    for (const option::Flag& wanted : {option::timestamp, option::timestamp_nanoseconds}) {
        auto [ours, theirs] = udp_sockets();
        ours.set(wanted, true);
        const auto before =
            std::chrono::floor<std::chrono::microseconds>(std::chrono::system_clock::now());
        CHECK(is(theirs.send_to(bytes_of("x"), ours.local()), IoState::ok, 1));
        const Got got = receive_when_ready(ours);
        REQUIRE(got.message.time.has_value());
        CHECK(*got.message.time >= before);
        CHECK(*got.message.time <= std::chrono::system_clock::now());
    }
}

TEST_CASE("U6 what a full queue drops is counted") {
    const DescriptorLedger ledger;
    auto [ours, theirs] = udp_sockets();
    ours.set(option::receive_buffer, 1); // the least there is
    ours.set(option::count_drops, true);
    const std::string block(1000, 'b');
    std::uint32_t sent = 0;
    for (; sent < 100; ++sent) send_and_await(theirs, ours, block);
    std::uint32_t received = 0;
    while (state(Fd{::dup(ours.fd())}, POLLIN) != 0) {
        CHECK_FALSE(receive_when_ready(ours, 2000).message.drops.has_value());
        ++received;
    }
    CHECK_GT(received, 0);
    CHECK(is(theirs.send_to(bytes_of("last"), ours.local()), IoState::ok, 4));
    const Got got = receive_when_ready(ours);
    REQUIRE(got.message.drops.has_value());
    CHECK_EQ(*got.message.drops, sent - received);
}

TEST_CASE("what is not named is kept as the kernel gave it, and sent the same way") {
    const DescriptorLedger ledger;
    auto [ours, theirs] = udp_sockets();
    ours.set(option::Flag{IPPROTO_IP, IP_RECVTTL, "IP_RECVTTL"}, true);
    const std::array hops{42};
    const auto raw = std::as_bytes(std::span{hops});
    const std::array<ControlMessage, 1> others{
        {{.level = IPPROTO_IP, .type = IP_TTL, .bytes = {raw.begin(), raw.end()}}}};
    const std::array pieces{bytes_of("x")};
    CHECK(is(theirs.send_message({.pieces = pieces, .to = ours.local(), .others = others}),
             IoState::ok, 1));
    const Got got = receive_when_ready(ours);
    REQUIRE_EQ(got.message.others.size(), 1);
    CHECK_EQ(got.message.others[0].type, IP_TTL);
    CHECK(got.message.others[0].bytes == others[0].bytes);
}

TEST_CASE("a message is spread over several buffers, and cut behind the last") {
    const DescriptorLedger ledger;
    auto [ours, theirs] = udp_sockets();
    CHECK(is(theirs.send_to(bytes_of("headbody and more"), ours.local()), IoState::ok, 17));
    await(ours, POLLIN);
    std::array<std::byte, 4> head{};
    std::array<std::byte, 4> body{};
    const std::array<std::span<std::byte>, 2> into{head, body};
    const IncomingMessage message = ours.receive_message(into);
    CHECK_EQ(message.bytes, 8);
    CHECK(message.truncated);
    CHECK_EQ(text_of(head), "head");
    CHECK_EQ(text_of(body), "body");
}

TEST_CASE("a message tells apart: nothing yet, an empty datagram, the end, an error") {
    const DescriptorLedger ledger;
    std::array<std::byte, 8> buffer{};
    auto [ours, theirs] = Socket::pair();
    CHECK(ours.receive_message(buffer).state == IoState::would_block);
    theirs.close();
    CHECK(ours.receive_message(buffer).state == IoState::end);
    const std::array pieces{bytes_of("x")};
    CHECK(is(ours.send_message({.pieces = pieces}), IoState::error, 0, EPIPE));
    CHECK(Socket{}.receive_message(buffer).error_code() == std::errc::bad_file_descriptor);

    auto [one, other] = Socket::pair(SOCK_DGRAM);
    CHECK(is(other.send_message({}), IoState::ok));
    const IncomingMessage empty = one.receive_message(buffer);
    CHECK(empty.state == IoState::ok);
    CHECK_EQ(empty.bytes, 0);
    CHECK(one.receive_message(buffer).state == IoState::would_block);
}

TEST_CASE("the errors that ICMP brought can be read one by one") {
    const DescriptorLedger ledger;
    Socket ours = Socket::datagram(Address::ipv4_loopback(0));
    ours.set(option::receive_errors, true);
    const Address nobody = Socket::datagram(Address::ipv4_loopback(0)).local();
    CHECK(is(ours.send_to(bytes_of("lost"), nobody), IoState::ok, 4));
    await(ours, POLLERR);
    std::array<std::byte, 8> buffer{};
    const IncomingMessage message = ours.receive_message(buffer, MSG_ERRQUEUE);
    CHECK(message.state == IoState::ok);
    CHECK(message.from == nobody); // whom it was sent to
    REQUIRE_EQ(message.others.size(), 1);
    CHECK_EQ(message.others[0].type, IP_RECVERR);
}

TEST_CASE("a report about what was sent is not the end of the stream") {
    const DescriptorLedger ledger;
    auto [ours, theirs] = tcp_sockets();
    const unsigned flags = SOF_TIMESTAMPING_TX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE |
                           SOF_TIMESTAMPING_OPT_ID | SOF_TIMESTAMPING_OPT_TSONLY;
    ours.set_bytes(SOL_SOCKET, SO_TIMESTAMPING, std::as_bytes(std::span{&flags, 1}));
    CHECK(is(ours.write(bytes_of("x")), IoState::ok, 1));
    await(ours, POLLERR);
    std::array<std::byte, 8> buffer{};
    const IncomingMessage report = ours.receive_message(buffer, MSG_ERRQUEUE);
    CHECK(report.state == IoState::ok);
    CHECK_EQ(report.bytes, 0);
    CHECK_GE(report.others.size(), 1);
}
