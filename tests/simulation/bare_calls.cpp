#include "simulation/bare_calls.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include "sys.hpp"

namespace sys = pollux::sys;

namespace pollux_test {
namespace {

sockaddr_in loopback(int bound) {
    sockaddr_in address{};
    socklen_t size = sizeof address;
    if (bound >= 0)
        REQUIRE_EQ(sys::getsockname(bound, reinterpret_cast<sockaddr*>(&address), &size), 0);
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

void bind_to_loopback(int fd) {
    const sockaddr_in address = loopback(-1);
    REQUIRE_EQ(sys::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
}

} // namespace

int Descriptors::own(int fd) {
    REQUIRE_GE(fd, 0);
    open_.push_back(fd);
    return fd;
}

Descriptors::~Descriptors() {
    for (const int fd : open_) sys::close(fd);
}

void Descriptors::close(int fd) {
    if (std::erase(open_, fd) > 0) sys::close(fd);
}

void Descriptors::close_with_reset(int fd) {
    const linger at_once{.l_onoff = 1, .l_linger = 0};
    REQUIRE_EQ(sys::setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once), 0);
    close(fd);
}

Descriptors::Two Descriptors::unix_pair() {
    std::array<int, 2> fds{};
    REQUIRE_EQ(sys::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds.data()), 0);
    return {own(fds[0]), own(fds[1])};
}

Descriptors::Two Descriptors::pipe() {
    std::array<int, 2> fds{};
    REQUIRE_EQ(sys::pipe2(fds.data(), O_NONBLOCK), 0);
    return {own(fds[0]), own(fds[1])};
}

int Descriptors::tcp() { return own(sys::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0)); }
int Descriptors::unix_stream() { return own(sys::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0)); }
int Descriptors::dev_null() { return own(sys::open("/dev/null", O_RDWR)); }

int Descriptors::udp() {
    const int fd = own(sys::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0));
    bind_to_loopback(fd);
    return fd;
}

int Descriptors::counter(unsigned initial) { return own(sys::eventfd(initial, EFD_NONBLOCK)); }

int Descriptors::bound_tcp() {
    const int fd = tcp();
    bind_to_loopback(fd);
    return fd;
}

int Descriptors::listener() {
    const int fd = bound_tcp();
    REQUIRE_EQ(sys::listen(fd, 16), 0);
    return fd;
}

int Descriptors::connect_to(int kind_of_socket, int bound) {
    const int fd = own(sys::socket(AF_INET, kind_of_socket | SOCK_NONBLOCK, 0));
    const sockaddr_in address = loopback(bound);
    if (sys::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        REQUIRE_EQ(errno, EINPROGRESS);
    return fd;
}

Descriptors::Two Descriptors::tcp_pair() {
    const int listening = listener();
    const int client = connect_to(SOCK_STREAM, listening);
    int accepted = -1;
    do accepted = sys::accept4(listening, nullptr, nullptr, SOCK_NONBLOCK);
    while (accepted < 0 && errno == EAGAIN);
    close(listening);
    // Else a small piece waits in the sender, for as long as the other end puts off to acknowledge.
    const int at_once = 1;
    for (const int end : {accepted, client})
        REQUIRE_EQ(sys::setsockopt(end, IPPROTO_TCP, TCP_NODELAY, &at_once, sizeof at_once), 0);
    return {own(accepted), client};
}

std::size_t send_some(int fd, std::size_t size, int flags) {
    static const std::vector<std::byte> bytes(65536, std::byte{'d'});
    ssize_t count = sys::send(fd, bytes.data(), std::min(size, bytes.size()), flags | MSG_NOSIGNAL);
    if (count < 0 && errno == ENOTSOCK)
        count = sys::write(fd, bytes.data(), std::min(size, bytes.size()));
    return count > 0 ? static_cast<std::size_t>(count) : 0;
}

std::size_t read_some(int fd, std::size_t size) {
    static std::vector<std::byte> bytes(65536);
    const ssize_t count = sys::read(fd, bytes.data(), std::min(size, bytes.size()));
    return count > 0 ? static_cast<std::size_t>(count) : 0;
}

int read_error(int fd) {
    std::byte byte{};
    return sys::read(fd, &byte, 1) < 0 ? errno : 0;
}

unsigned state_of(int fd, unsigned asked) {
    pollfd entry{.fd = fd, .events = static_cast<short>(asked), .revents = 0};
    const timespec at_once{};
    REQUIRE_GE(sys::ppoll(&entry, 1, &at_once, nullptr), 0);
    return static_cast<std::uint16_t>(entry.revents);
}

} // namespace pollux_test
