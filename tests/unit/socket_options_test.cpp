// Options cross to the kernel and back with their types.

#include <doctest/doctest.h>

#include <cerrno>
#include <chrono>
#include <poll.h>
#include <pollux/net/interface.hpp>
#include <pollux/net/socket.hpp>
#include <string_view>
#include <unistd.h>
#include <vector>

#include "support/descriptor_ledger.hpp"
#include "support/library_sockets.hpp"
#include "support/sockets.hpp"

using namespace pollux;
using namespace pollux_test;
using namespace std::chrono_literals;

TEST_CASE("options cross to the kernel and back with their types") {
    const DescriptorLedger ledger;
    auto [server, client] = tcp_sockets();
    CHECK_FALSE(client.get(option::no_delay));
    client.set(option::no_delay, true);
    CHECK(client.get(option::no_delay));
    client.set(option::cork, true);
    CHECK(client.get(option::cork));
    client.set(option::quick_ack, false);
    CHECK_FALSE(client.get(option::quick_ack));
    client.set(option::keep_alive, true);
    client.set(option::keep_idle, 2min);
    client.set(option::keep_interval, 7s);
    client.set(option::keep_count, 3);
    CHECK(client.get(option::keep_alive));
    CHECK_EQ(client.get(option::keep_idle).count(), 120);
    CHECK_EQ(client.get(option::keep_interval).count(), 7);
    CHECK_EQ(client.get(option::keep_count), 3);
    client.set(option::user_timeout, 30s);
    CHECK_EQ(client.get(option::user_timeout).count(), 30'000);
    client.set(option::unsent_low_water, 16384);
    CHECK_EQ(client.get(option::unsent_low_water), 16384);
    client.set(option::receive_low_water, 10);
    CHECK_EQ(client.get(option::receive_low_water), 10);
    client.set(option::send_buffer, 50'000);
    client.set(option::receive_buffer, 50'000);
    CHECK_EQ(client.get(option::send_buffer), 100'000); // doubled: socket(7)
    CHECK_EQ(client.get(option::receive_buffer), 100'000);
    CHECK_EQ(client.get(option::type), SOCK_STREAM);
    CHECK_EQ(client.get(option::error), 0);
    CHECK_FALSE(client.get(option::accepting));
    Socket listener = Socket::listen(Address::ipv4_loopback(0));
    listener.set(option::defer_accept, 1s);
    CHECK_EQ(listener.get(option::defer_accept).count(), 1);
}

TEST_CASE("linger is off, a duration, or a reset") {
    const DescriptorLedger ledger;
    Socket client = Socket::open(AF_INET);
    CHECK_FALSE(client.get(option::linger).has_value());
    client.set(option::linger, 5s);
    CHECK(client.get(option::linger) == 5s);
    client.set(option::linger, 0s);
    CHECK(client.get(option::linger) == 0s);
    client.set(option::linger, std::nullopt);
    CHECK_FALSE(client.get(option::linger).has_value());
}

TEST_CASE("an option's value that does not fit is refused, not cut") {
    const DescriptorLedger ledger;
    Socket socket = Socket::open(AF_INET);
    CHECK_EQ(failure([&] { socket.set(option::keep_idle, std::chrono::seconds::max()); }),
             "setsockopt TCP_KEEPIDLE: Invalid argument");
    CHECK_EQ(failure([&] { socket.set(option::linger, 4'294'967'296s); }),
             "setsockopt SO_LINGER: Invalid argument");
    CHECK_EQ(failure([&] { socket.set(option::linger, -1s); }),
             "setsockopt SO_LINGER: Invalid argument");
    CHECK_EQ(failure([&] { socket.set(option::user_timeout, 600h * 24); }),
             "setsockopt TCP_USER_TIMEOUT: Invalid argument");
}

TEST_CASE("closing with linger zero resets") {
    const DescriptorLedger ledger;
    auto [server, client] = tcp_sockets();
    reset(server);
    await(client, POLLIN);
    CHECK(is(read_once(client), IoState::error, 0, ECONNRESET));
}

namespace {

template <class Option, class Value>
concept Settable =
    requires(Socket socket, Option option, Value value) { socket.set(option, value); };
static_assert(Settable<option::Flag, bool>);
static_assert(!Settable<decltype(option::type), int>);
static_assert(!Settable<decltype(option::tcp_info), tcp_info>);

} // namespace

TEST_CASE("a socket tells what it was made as") {
    const DescriptorLedger ledger;
    const Socket udp = Socket::open(AF_INET6, SOCK_DGRAM);
    CHECK_EQ(udp.family(), AF_INET6);
    CHECK_EQ(udp.type(), SOCK_DGRAM);
    CHECK_EQ(udp.protocol(), IPPROTO_UDP);
    CHECK_FALSE(udp.listening());
    CHECK(Socket::listen(Address::ipv4_loopback(0)).listening());
}

TEST_CASE("durations of SO_RCVTIMEO cross as seconds and microseconds") {
    const DescriptorLedger ledger;
    Socket socket = Socket::open(AF_INET, SOCK_DGRAM);
    CHECK_EQ(socket.get(option::receive_timeout).count(), 0);
    socket.set(option::receive_timeout, 2'500ms);
    socket.set(option::send_timeout, 1min);
    CHECK_EQ(socket.get(option::receive_timeout).count(), 2'500'000);
    CHECK_EQ(socket.get(option::send_timeout).count(), 60'000'000);
    CHECK_EQ(failure([&] { socket.set(option::send_timeout, -1us); }),
             "setsockopt SO_SNDTIMEO: Invalid argument");
}

TEST_CASE("options of datagrams and multicast cross to the kernel and back") {
    const DescriptorLedger ledger;
    Socket socket = Socket::open(AF_INET, SOCK_DGRAM);
    for (const option::Flag& flag :
         {option::broadcast, option::count_drops, option::timestamp_nanoseconds,
          option::packet_path, option::receive_errors, option::urgent_inline, option::udp_join}) {
        CHECK_FALSE(socket.get(flag));
        socket.set(flag, true);
        CHECK_MESSAGE(socket.get(flag), flag.text);
    }
    CHECK(socket.get(option::multicast_loop));
    socket.set(option::multicast_loop, false);
    CHECK_FALSE(socket.get(option::multicast_loop));
    CHECK_EQ(socket.get(option::multicast_ttl), 1);
    socket.set(option::multicast_ttl, 7);
    CHECK_EQ(socket.get(option::multicast_ttl), 7);
    socket.set(option::ttl, 9);
    CHECK_EQ(socket.get(option::ttl), 9);
    socket.set(option::type_of_service, 0x10);
    CHECK_EQ(socket.get(option::type_of_service), 0x10);
    CHECK_EQ(socket.get(option::send_low_water), 1);
    Socket v6 = Socket::open(AF_INET6, SOCK_DGRAM);
    v6.set(option::v6_multicast_hops, 3);
    CHECK_EQ(v6.get(option::v6_multicast_hops), 3);
    v6.set(option::v6_multicast_loop, false);
    CHECK_FALSE(v6.get(option::v6_multicast_loop));
    v6.set(option::v6_packet_path, true);
    CHECK(v6.get(option::v6_packet_path));
    v6.set(option::v6_traffic_class, 0x20);
    CHECK_EQ(v6.get(option::v6_traffic_class), 0x20);
    v6.set_multicast_interface(interface_number("lo"));
    CHECK_EQ(v6.get(option::v6_multicast_interface), static_cast<int>(interface_number("lo")));
}

TEST_CASE("what the kernel knows of a connection can be asked for") {
    const DescriptorLedger ledger;
    const auto [server, client] = tcp_sockets();
    CHECK_EQ(client.get(option::tcp_info).tcpi_state, TCP_ESTABLISHED);
    CHECK_GT(client.get(option::max_segment), 0);
    CHECK_GT(client.get(option::path_mtu), 0);
    const auto [one, other] = Socket::pair();
    const ucred peer = one.get(option::peer_credentials);
    CHECK_EQ(peer.pid, ::getpid());
    CHECK_EQ(peer.uid, ::getuid());
    Socket listener = Socket::listen(Address::ipv4_loopback(0));
    listener.set(option::fast_open, 5);
    CHECK_EQ(listener.get(option::fast_open), 5);
    Socket quick = Socket::open(AF_INET);
    quick.set(option::fast_open_connect, true);
    CHECK(quick.get(option::fast_open_connect));
}

TEST_CASE("an option that the kernel lacks is a clear error") {
    const DescriptorLedger ledger;
    Socket socket = Socket::open(AF_INET, SOCK_DGRAM);
    constexpr option::Flag unknown{SOL_SOCKET, 9999, "SO_UNKNOWN"};
    CHECK_EQ(failure([&] { socket.set(unknown, true); }),
             "setsockopt SO_UNKNOWN: Protocol not available");
    CHECK_EQ(failure([&] { socket.get(unknown); }),
             "getsockopt SO_UNKNOWN: Protocol not available");
    CHECK_EQ(failure([&] { socket.get_bytes(SOL_SOCKET, 9999); }),
             "getsockopt level 1 name 9999: Protocol not available");
    CHECK_EQ(failure([&] {
                 socket.set_bytes(SOL_SOCKET, 9999, {}, "SO_UNKNOWN");
             }).starts_with("setsockopt SO_UNKNOWN: "),
             true);
}

TEST_CASE("any option can be set and asked for as bytes") {
    const DescriptorLedger ledger;
    Socket socket = Socket::open(AF_INET);
    constexpr std::string_view reno = "reno";
    socket.set_bytes(IPPROTO_TCP, TCP_CONGESTION, bytes_of(reno), "TCP_CONGESTION");
    const std::vector<std::byte> given = socket.get_bytes(IPPROTO_TCP, TCP_CONGESTION, 16);
    CHECK(text_of(given).starts_with(reno));
    CHECK_EQ(socket.get_bytes(SOL_SOCKET, SO_TYPE).size(), sizeof(int));
}
