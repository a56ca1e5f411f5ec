// The calls that wait: until it is done, until the time is over, or for as long as it takes.

#include <doctest/doctest.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <optional>
#include <poll.h>
#include <pollux/clock.hpp>
#include <pollux/instruments/call_hook.hpp>
#include <pollux/net/blocking_socket.hpp>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "support/descriptor_ledger.hpp"
#include "support/library_sockets.hpp"
#include "support/observing.hpp"

using namespace pollux;
using namespace pollux_test;
using namespace std::chrono_literals;

namespace {

template <class Act> int error_number(Act act) {
    return error_of([&] { static_cast<void>(act()); });
}

std::pair<BlockingSocket, BlockingSocket> blocking_pair(int type = SOCK_STREAM) {
    auto [one, other] = Socket::pair(type);
    return {BlockingSocket{std::move(one)}, BlockingSocket{std::move(other)}};
}

std::string receive_text(BlockingSocket& from, std::size_t most = 64) {
    std::string text(most, '\0');
    text.resize(from.receive(std::as_writable_bytes(std::span{text})));
    return text;
}

} // namespace

TEST_CASE("connect, accept, send and receive wait for each other") {
    const DescriptorLedger ledger;
    const Directory directory;
    for (const Address& address : {Address::ipv4_loopback(0), Address::ipv6_loopback(0),
                                   Address::unix_path(directory / "s")}) {
        BlockingSocket listener{Socket::listen(address), 10s};
        BlockingSocket client = BlockingSocket::connected_to(listener.socket().local(), 10s);
        BlockingSocket server = listener.accept();
        CHECK(server.timeout() == listener.timeout());
        client.send_all(bytes_of("hello"));
        CHECK_EQ(receive_text(server), "hello");
        server.send_all(bytes_of("answer"));
        server.close();
        std::array<std::byte, 16> buffer{};
        CHECK_EQ(client.receive_exactly(buffer), 6); // cut off by the end
        CHECK_EQ(client.receive(buffer), 0);
        CHECK_EQ(client.receive_exactly(buffer), 0);
    }
}

TEST_CASE("what is sent whole is received whole, however the kernel cuts it") {
    const DescriptorLedger ledger;
    auto [ours, theirs] = blocking_pair();
    const CallHook hook{[](const CallPoint& call) -> CallOutcome {
        return call.name == "send" || call.name == "recv" ? at_most(3) : CallOutcome{};
    }};
    theirs.send_all(bytes_of("0123456789"));
    std::array<std::byte, 10> buffer{};
    CHECK_EQ(ours.receive_exactly(buffer), 10);
    CHECK_EQ(text_of(buffer), "0123456789");
}

TEST_CASE("a receiver sleeps until something comes") {
    const DescriptorLedger ledger;
    auto [ours, theirs] = blocking_pair();
    const OnceAsleep sender{[&other = theirs] { other.send_all(bytes_of("late")); }};
    CHECK_EQ(receive_text(ours), "late");
}

TEST_CASE("a sender sleeps until there is room") {
    const DescriptorLedger ledger;
    auto [ours, theirs] = blocking_pair();
    const std::string block(3'000'000, 'b');
    std::string received(block.size(), '\0');
    std::size_t count = 0;
    {
        const OnceAsleep receiver{[&, &other = theirs] {
            count = other.receive_exactly(std::as_writable_bytes(std::span{received}));
        }};
        ours.send_all(bytes_of(block));
    }
    CHECK_EQ(count, block.size());
    CHECK(received == block);
}

TEST_CASE("a time-out is ETIMEDOUT, names call and socket, and leaves the socket usable") {
    const DescriptorLedger ledger;
    const FakeClock clock;
    auto [ours, theirs] = blocking_pair();
    ours.set_timeout(1h);
    const auto before = Clock::now();
    const std::string text = failure([&one = ours] { receive_text(one); });
    CHECK_EQ(text, "receive " + ours.socket().to_string() + ": Connection timed out");
    CHECK(Clock::now() - before == 1h);
    const std::string block(4'000'000, 'b');
    CHECK_EQ(error_number([&one = ours, &block] {
                 one.send_all(bytes_of(block));
                 return 0;
             }),
             ETIMEDOUT);
    theirs.send_all(bytes_of("still"));
    CHECK_EQ(receive_text(ours), "still");

    ours.set_timeout(0s);
    CHECK_EQ(error_number([&one = ours] { return receive_text(one); }), ETIMEDOUT);
    BlockingSocket listener{Socket::listen(Address::ipv4_loopback(0)), 1h};
    CHECK_EQ(error_number([&] { return listener.accept().timeout(); }), ETIMEDOUT);
}

TEST_CASE("the time-out is for the whole of what is received, and signals do not prolong it") {
    const DescriptorLedger ledger;
    FakeClock clock;
    auto [ours, theirs] = blocking_pair();
    ours.set_timeout(1min);
    int waits = 0;
    const auto due = Clock::now() + 1min;
    // The first three waits are interrupted after 20 s each; the fourth finds a byte without
    // waiting, the fifth nothing.
    const CallHook hook{[&, &other = theirs](const CallPoint& call) -> CallOutcome {
        if (call.name != "ppoll") return {};
        ++waits;
        if (waits > 3) return {};
        clock.advance(20s);
        if (waits == 2) other.send_all(bytes_of("x"));
        return error_outcome(EINTR);
    }};
    std::array<std::byte, 8> buffer{};
    CHECK_EQ(error_number([&one = ours, &buffer] { return one.receive_exactly(buffer); }),
             ETIMEDOUT);
    CHECK(Clock::now() == due);
    CHECK_EQ(waits, 5);
}

TEST_CASE("no time-out waits without a limit") {
    const DescriptorLedger ledger;
    auto [ours, theirs] = blocking_pair();
    CHECK_FALSE(ours.timeout().has_value());
    int waits = 0;
    const CallHook hook{[&, &other = theirs](const CallPoint& call) -> CallOutcome {
        if (call.name != "ppoll") return {};
        if (++waits < 100) return error_outcome(EINTR);
        other.send_all(bytes_of("at last"));
        return {};
    }};
    CHECK_EQ(receive_text(ours), "at last");
    CHECK_EQ(waits, 100);
}

TEST_CASE("a refused connect throws and names the address") {
    const DescriptorLedger ledger;
    const Address nobody = Socket::listen(Address::ipv4_loopback(0)).local();
    const std::string text = failure([&] { BlockingSocket::connected_to(nobody, 10s); });
    CHECK_MESSAGE(text.starts_with("connect " + nobody.to_string() + " socket fd="), text);
    CHECK_MESSAGE(text.ends_with(": Connection refused"), text);
    const Directory directory;
    CHECK_EQ(error_number([&] {
                 return BlockingSocket::connected_to(Address::unix_path(directory / "s")).timeout();
             }),
             ENOENT);
}

TEST_CASE("a connect that gets no answer times out") {
    const DescriptorLedger ledger;
    const FakeClock clock;
    const Socket listener = Socket::listen(Address::ipv4_loopback(0));
    Socket idle = Socket::open(AF_INET);
    // Nothing is connected, so nothing becomes ready but the hang-up that poll(2) tells of such.
    const CallHook hook{[](const CallPoint& call) -> CallOutcome {
        CallOutcome outcome;
        if (call.name == "connect") outcome.error = EINPROGRESS;
        if (call.name == "ppoll") outcome.result = 0;
        return outcome;
    }};
    BlockingSocket client{std::move(idle), 30s};
    CHECK_EQ(error_number([&] {
                 client.connect(listener.local());
                 return 0;
             }),
             ETIMEDOUT);
}

TEST_CASE("C13 connecting waits while the queue of a Unix listener is full") {
    const DescriptorLedger ledger;
    const FakeClock clock;
    const Directory directory;
    Socket listener = Socket::listen(Address::unix_path(directory / "s"), {.backlog = 0});
    const BlockingSocket first = BlockingSocket::connected_to(listener.local(), 1s);
    CHECK_EQ(
        error_number([&] { return BlockingSocket::connected_to(listener.local(), 1s).timeout(); }),
        ETIMEDOUT);
    int naps = 0;
    const CallHook hook{[&](const CallPoint& call) -> CallOutcome {
        if (call.name == "ppoll" && ++naps == 3) CHECK_EQ(listener.accept().error, 0);
        return {};
    }};
    const BlockingSocket second = BlockingSocket::connected_to(listener.local(), 1s);
    CHECK_EQ(naps, 3);
}

TEST_CASE("accept passes over what was given up, and throws what needs an answer") {
    const DescriptorLedger ledger;
    BlockingSocket listener{Socket::listen(Address::ipv4_loopback(0)), 10s};
    const BlockingSocket client = BlockingSocket::connected_to(listener.socket().local(), 10s);
    {
        const CallHook hook{failing("accept4", EMFILE)};
        CHECK_EQ(error_number([&] { return listener.accept().timeout(); }), EMFILE);
    }
    const CallHook hook{failing("accept4", ECONNABORTED, 2)};
    CHECK(listener.accept().socket().peer() == client.socket().local());
}

TEST_CASE("datagrams: empty ones too, with their senders; errors are thrown") {
    const DescriptorLedger ledger;
    auto [one, other] = udp_sockets();
    BlockingSocket ours{std::move(one), 10s};
    BlockingSocket theirs{std::move(other), 10s};
    theirs.send_to(bytes_of("first"), ours.socket().local());
    theirs.send_to({}, ours.socket().local());
    std::array<std::byte, 3> buffer{};
    const ReceivedFrom first = ours.receive_from(buffer);
    CHECK_EQ(first.bytes, 3);
    CHECK(first.truncated);
    CHECK(first.from == theirs.socket().local());
    CHECK_EQ(ours.receive_from(buffer).bytes, 0);
    const std::string too_long(65'508, 'x');
    const std::string to = ours.socket().local().to_string();
    CHECK(failure([&] {
              theirs.send_to(bytes_of(too_long), ours.socket().local());
          }).starts_with("send to " + to + " socket fd="));
    const FakeClock clock;
    CHECK_EQ(error_number([&] { return ours.receive_from(buffer).bytes; }), ETIMEDOUT);
}

TEST_CASE("a datagram waits while the queue of a Unix receiver is full, and does not spin") {
    const DescriptorLedger ledger;
    const FakeClock clock;
    const Directory directory;
    Socket receiver = Socket::datagram(Address::unix_path(directory / "s"));
    Socket filler = Socket::open(AF_UNIX, SOCK_DGRAM);
    while (filler.send_to(bytes_of("x"), receiver.local()).state == IoState::ok) {
    }
    BlockingSocket sender{Socket::open(AF_UNIX, SOCK_DGRAM), 1s};
    int waits = 0;
    const CallHook hook{[&](const CallPoint& call) -> CallOutcome {
        // poll(2) finds it writable all the time.
        if (call.name == "ppoll" && ++waits > 1000) return {.error = EFAULT};
        if (call.name == "ppoll" && waits == 400) CHECK_EQ(take_datagram(receiver).text, "x");
        return {};
    }};
    CHECK_EQ(error_number([&] {
                 sender.send_to(bytes_of("late"), receiver.local());
                 return 0;
             }),
             ETIMEDOUT);
    CHECK_LT(waits, 300);
    waits = 398;
    sender.send_to(bytes_of("in time"), receiver.local());
    CHECK_LT(waits, 410);
}

TEST_CASE("one that owns nothing throws EBADF") {
    BlockingSocket nothing;
    CHECK_EQ(failure([&] { receive_text(nothing); }), "receive socket closed: Bad file descriptor");
    CHECK_EQ(error_number([&] { return nothing.send(bytes_of("x")); }), EBADF);
    CHECK_EQ(error_number([&] { return nothing.accept().timeout(); }), EBADF);
}

TEST_CASE("connect to a name: one address after the other, and the last one's error") {
    const BlockingSocket listener{Socket::listen(Address::ipv4_loopback(0)), 10s};
    const std::string port = std::to_string(listener.socket().local().port());
    // Where the name has an IPv6 address too, that one refuses.
    const BlockingSocket client = BlockingSocket::connected_to("localhost", port, 10s);
    CHECK(client.socket().peer() == listener.socket().local());
    CHECK(client.timeout() == BlockingSocket::Timeout{10s});

    const Socket nobody = [] { // bound, but nobody listens
        Socket bound = Socket::open(AF_INET);
        bound.bind(Address::ipv4_loopback(0));
        return bound;
    }();
    const std::string closed = std::to_string(nobody.local().port());
    CHECK_EQ(error_number([&] { return BlockingSocket::connected_to("127.0.0.1", closed); }),
             ECONNREFUSED);
}
