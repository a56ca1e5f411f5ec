#include "library_sockets.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <linux/sock_diag.h>
#include <poll.h>
#include <pollux/error.hpp>
#include <sys/socket.h>
#include <thread>
#include <vector>

#include "sockets.hpp"

namespace pollux_test {

using namespace pollux;

void await(const Socket& socket, short events) {
    constexpr std::chrono::milliseconds limit{longest_wait};
    pollfd entry{.fd = socket.fd(), .events = events, .revents = 0};
    REQUIRE_EQ(::poll(&entry, 1, static_cast<int>(limit.count())), 1);
}

std::pair<Socket, Socket> tcp_sockets() {
    Socket listener = Socket::listen(Address::ipv4_loopback(0));
    Socket client = Socket::open(AF_INET);
    REQUIRE(client.connect(listener.local()).state != ConnectState::error);
    await(listener, POLLIN);
    Accepted accepted = listener.accept();
    REQUIRE_EQ(accepted.error, 0);
    await(client, POLLOUT);
    REQUIRE_FALSE(client.take_error());
    return {std::move(accepted.socket), std::move(client)};
}

std::pair<Socket, Socket> udp_sockets() {
    const Address any_port = Address::ipv4_loopback(0);
    return {Socket::datagram(any_port), Socket::datagram(any_port)};
}

namespace {

// The bytes in its queue, and how many datagrams there was no room for.
std::pair<std::uint32_t, std::uint32_t> arrived_at(const Socket& socket) {
    std::array<std::uint32_t, SK_MEMINFO_VARS> memory{};
    socklen_t size = sizeof memory;
    check(::getsockopt(socket.fd(), SOL_SOCKET, SO_MEMINFO, memory.data(), &size),
          "getsockopt SO_MEMINFO");
    return {memory[SK_MEMINFO_RMEM_ALLOC], memory[SK_MEMINFO_DROPS]};
}

} // namespace

void send_and_await(Socket& from, const Socket& to, std::string_view text) {
    const auto give_up = std::chrono::steady_clock::now() + longest_wait;
    const auto before = arrived_at(to);
    REQUIRE(is(from.send_to(bytes_of(text), to.local()), IoState::ok, text.size()));
    while (arrived_at(to) == before) {
        REQUIRE(std::chrono::steady_clock::now() < give_up);
        std::this_thread::yield();
    }
}

std::string read_text(Socket& from, std::size_t most) {
    std::string text(most, '\0');
    const IoResult result = from.read(std::as_writable_bytes(std::span{text}));
    REQUIRE(result.state == IoState::ok);
    text.resize(result.bytes);
    return text;
}

IoResult read_once(Socket& from, std::size_t most) {
    std::vector<std::byte> buffer(most);
    return from.read(buffer);
}

bool is(const IoResult& result, IoState state, std::size_t bytes, int error) {
    return result.state == state && result.bytes == bytes && result.error == error;
}

void reset(Socket& socket) {
    socket.set(option::linger, std::chrono::seconds{0});
    socket.close();
}

Taken take_datagram(Socket& from, std::size_t most, int flags) {
    await(from, POLLIN);
    Taken taken{.text = std::string(most, '\0'), .result = {}};
    taken.result = from.receive_from(std::as_writable_bytes(std::span{taken.text}), flags);
    REQUIRE(taken.result.state == IoState::ok);
    taken.text.resize(std::min(taken.result.bytes, most));
    return taken;
}

CallOutcome error_outcome(int error) {
    CallOutcome outcome;
    outcome.error = error;
    return outcome;
}

CallOutcome at_most(std::size_t bytes) {
    CallOutcome outcome;
    outcome.at_most = bytes;
    return outcome;
}

Directory::Directory() : path_{"/tmp/pollux-XXXXXX"} {
    REQUIRE(::mkdtemp(path_.data()) != nullptr);
}

std::string Directory::operator/(std::string_view name) const {
    std::string path = path_;
    return path.append("/").append(name);
}

} // namespace pollux_test
