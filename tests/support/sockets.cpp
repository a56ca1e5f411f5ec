#include "sockets.hpp"

#include <doctest/doctest.h>

#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <fcntl.h>
#include <linux/membarrier.h>
#include <netinet/in.h>
#include <poll.h>
#include <pollux/error.hpp>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace pollux_test {

using pollux::check;
using pollux::Fd;

Ends unix_pair() {
    std::array<int, 2> fds{};
    check(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds.data()),
          "socketpair");
    return {Fd{fds[0]}, Fd{fds[1]}};
}

Ends pipe_ends() {
    std::array<int, 2> fds{};
    check(::pipe2(fds.data(), O_NONBLOCK | O_CLOEXEC), "pipe2");
    return {Fd{fds[0]}, Fd{fds[1]}};
}

Fd tcp_listener(int backlog) {
    Fd listener{check(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), "socket")};
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    check(::bind(listener.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), "bind");
    check(::listen(listener.get(), backlog), "listen");
    return listener;
}

int port_of(const Fd& socket) {
    sockaddr_in address{};
    socklen_t size = sizeof address;
    check(::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size), "getsockname");
    return ntohs(address.sin_port);
}

Fd tcp_client(int port) {
    Fd client{check(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket")};
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    check(::connect(client.get(), reinterpret_cast<sockaddr*>(&address), sizeof address),
          "connect");
    return client;
}

Ends tcp_pair() {
    const Fd listener = tcp_listener();
    Fd theirs = tcp_client(port_of(listener));
    check(::fcntl(theirs.get(), F_SETFL, O_NONBLOCK), "fcntl");
    await(listener, POLLIN);
    Fd ours{check(::accept4(listener.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC),
                  "accept4")};
    return {std::move(ours), std::move(theirs)};
}

Ends udp_pair() {
    const auto bound = [] {
        Fd socket{check(::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), "socket")};
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        check(::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), "bind");
        return socket;
    };
    const auto join = [](const Fd& one, const Fd& other) {
        sockaddr_in address{};
        socklen_t size = sizeof address;
        check(::getsockname(other.get(), reinterpret_cast<sockaddr*>(&address), &size),
              "getsockname");
        check(::connect(one.get(), reinterpret_cast<sockaddr*>(&address), size), "connect");
    };
    Ends ends{bound(), bound()};
    join(ends.ours, ends.theirs);
    join(ends.theirs, ends.ours);
    return ends;
}

Fd counter(unsigned initial) {
    return Fd{check(::eventfd(initial, EFD_NONBLOCK | EFD_CLOEXEC), "eventfd")};
}

void put(const Fd& to, std::string_view text) {
    while (!text.empty()) {
        await(to, POLLOUT);
        const ssize_t count = ::write(to.get(), text.data(), text.size());
        REQUIRE_GT(count, 0);
        text.remove_prefix(static_cast<std::size_t>(count));
    }
}

std::string take(const Fd& from, std::size_t most) {
    std::string text(most, '\0');
    const ssize_t count = ::read(from.get(), text.data(), text.size());
    text.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
    return text;
}

std::size_t fill(const Fd& to) {
    static const std::string block(65536, 'f');
    std::size_t total = 0;
    for (;;) {
        const ssize_t count = ::write(to.get(), block.data(), block.size());
        if (count < 0) break;
        total += static_cast<std::size_t>(count);
    }
    REQUIRE_EQ(errno, EAGAIN);
    return total;
}

void reset(Fd& socket) {
    const linger at_once{.l_onoff = 1, .l_linger = 0};
    check(::setsockopt(socket.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once),
          "setsockopt SO_LINGER");
    socket.reset();
}

void await(const Fd& fd, short events) {
    constexpr std::chrono::milliseconds limit{longest_wait};
    pollfd entry{.fd = fd.get(), .events = events, .revents = 0};
    REQUIRE_EQ(::poll(&entry, 1, static_cast<int>(limit.count())), 1);
}

void await_told(const Fd& fd, short events) {
    await(fd, events);
    // Returns when no processor is in the middle of what it was at when this began. Where it is not
    // permitted there is only the chance that it is not needed.
    ::syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0);
}

short state(const Fd& fd, short events) {
    pollfd entry{.fd = fd.get(), .events = events, .revents = 0};
    check(::poll(&entry, 1, 0), "poll");
    return entry.revents;
}

} // namespace pollux_test
