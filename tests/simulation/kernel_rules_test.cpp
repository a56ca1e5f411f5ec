// Rules of the kernel beside those of readiness (readiness_test.cpp), each tried on the real one
// and on the simulated one.

#include <doctest/doctest.h>

#include <array>
#include <cerrno>
#include <climits>
#include <netinet/in.h>
#include <pollux/instruments/simulation.hpp>

#include "simulation/bare_calls.hpp"
#include "support/descriptor_ledger.hpp"
#include "sys.hpp"

namespace sys = pollux::sys;

using namespace pollux;
using namespace pollux_test;

namespace {

void await(int fd, unsigned bits) {
    pollfd entry{.fd = fd, .events = static_cast<short>(bits), .revents = 0};
    const timespec limit{.tv_sec = 10, .tv_nsec = 0};
    CHECK_EQ(sys::ppoll(&entry, 1, &limit, nullptr), 1);
}

int connect_again(int fd, int bound) {
    sockaddr_in address{};
    socklen_t size = sizeof address;
    REQUIRE_EQ(sys::getsockname(bound, reinterpret_cast<sockaddr*>(&address), &size), 0);
    return sys::connect(fd, reinterpret_cast<const sockaddr*>(&address), size);
}

int option_of(int fd, int name) {
    int value = -1;
    socklen_t size = sizeof value;
    CHECK_EQ(sys::getsockopt(fd, SOL_SOCKET, name, &value, &size), 0);
    return value;
}

void set_option(int fd, int name, int value) {
    CHECK_EQ(sys::setsockopt(fd, SOL_SOCKET, name, &value, sizeof value), 0);
}

// A socket that was refused can connect again, and says its end like any other.
void refused_and_again(Descriptors& descriptors) {
    const int nobody = descriptors.bound_tcp();
    const int fd = descriptors.connect_to(SOCK_STREAM, nobody);
    await(fd, POLLOUT);
    CHECK_EQ(option_of(fd, SO_ERROR), ECONNREFUSED);
    const int listener = descriptors.listener();
    CHECK_EQ(connect_again(fd, listener), -1);
    CHECK_EQ(errno, ECONNABORTED); // that was the first attempt
    if (connect_again(fd, listener) != 0) CHECK_EQ(errno, EINPROGRESS);
    await(listener, POLLIN);
    const int accepted = sys::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK);
    REQUIRE_GE(accepted, 0);
    CHECK_EQ(send_some(fd, 5), 5U);
    CHECK_EQ(sys::shutdown(fd, SHUT_WR), 0);
    await(accepted, POLLRDHUP);
    CHECK_EQ(read_some(accepted, 100), 5U);
    CHECK_EQ(read_error(accepted), 0);
    sys::close(accepted);
}

void least_to_read(Descriptors& descriptors) {
    const auto [ours, theirs] = descriptors.tcp_pair();
    set_option(ours, SO_RCVLOWAT, 10);
    CHECK_EQ(send_some(theirs, 9), 9U);
    int waiting = 0;
    while (waiting < 9) REQUIRE_EQ(sys::ioctl(ours, FIONREAD, &waiting), 0);
    CHECK_EQ(state_of(ours, POLLIN), 0U);
    CHECK_EQ(send_some(theirs, 1), 1U);
    await(ours, POLLIN);
    CHECK_EQ(read_some(ours, 9), 9U);
    CHECK_EQ(state_of(ours, POLLIN), 0U);
    sys::shutdown(theirs, SHUT_WR);
    await(ours, POLLIN);
}

void exclusive(Descriptors& descriptors) {
    const auto [fd, other] = descriptors.unix_pair();
    const int set = sys::epoll_create1(0);
    const auto control = [set](int operation, int on, std::uint32_t bits) {
        epoll_event event{.events = bits | EPOLLEXCLUSIVE, .data = {}};
        return sys::epoll_ctl(set, operation, on, &event) == 0 ? 0 : errno;
    };
    CHECK_EQ(control(EPOLL_CTL_ADD, fd, EPOLLIN | EPOLLRDHUP), EINVAL);
    CHECK_EQ(control(EPOLL_CTL_ADD, fd, EPOLLIN | EPOLLONESHOT), EINVAL);
    CHECK_EQ(control(EPOLL_CTL_ADD, fd, EPOLLIN | EPOLLET), 0);
    CHECK_EQ(control(EPOLL_CTL_ADD, other, EPOLLIN | EPOLLOUT), 0);
    CHECK_EQ(control(EPOLL_CTL_MOD, fd, EPOLLIN), EINVAL);
    epoll_event plain{.events = EPOLLIN, .data = {}};
    CHECK_EQ(sys::epoll_ctl(set, EPOLL_CTL_MOD, fd, &plain), -1);
    CHECK_EQ(errno, EINVAL);
    sys::close(set);
}

void what_an_accepted_socket_inherits(Descriptors& descriptors) {
    const int listener = descriptors.listener();
    set_option(listener, SO_KEEPALIVE, 1);
    set_option(listener, SO_RCVBUF, 10'000);
    descriptors.connect_to(SOCK_STREAM, listener);
    await(listener, POLLIN);
    const int accepted = sys::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK);
    REQUIRE_GE(accepted, 0);
    CHECK_EQ(option_of(accepted, SO_KEEPALIVE), 1);
    CHECK_EQ(option_of(accepted, SO_RCVBUF), 20'000);
    sys::close(accepted);
}

void largest_buffer(Descriptors& descriptors) {
    const int fd = descriptors.tcp();
    set_option(fd, SO_SNDBUF, INT_MAX);
    set_option(fd, SO_RCVBUF, INT_MAX);
    CHECK_GE(option_of(fd, SO_SNDBUF), 212'992);
    CHECK_GE(option_of(fd, SO_RCVBUF), 212'992);
}

// Whoever answers from a socket bound to any address is heard by one that is connected.
void datagrams_from_any(Descriptors& descriptors) {
    const int server = sys::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    REQUIRE_GE(server, 0);
    sockaddr_in any{.sin_family = AF_INET, .sin_port = 0, .sin_addr = {}, .sin_zero = {}};
    REQUIRE_EQ(sys::bind(server, reinterpret_cast<const sockaddr*>(&any), sizeof any), 0);
    const int client = descriptors.connect_to(SOCK_DGRAM, server);
    CHECK_EQ(send_some(client, 3), 3U);
    await(server, POLLIN);
    sockaddr_in from{};
    std::array<std::byte, 10> bytes{};
    iovec piece{.iov_base = bytes.data(), .iov_len = bytes.size()};
    msghdr message{};
    message.msg_name = &from;
    message.msg_namelen = sizeof from;
    message.msg_iov = &piece;
    message.msg_iovlen = 1;
    CHECK_EQ(sys::recvmsg(server, &message, 0), 3);
    CHECK_EQ(sys::sendto(server, bytes.data(), 2, 0, reinterpret_cast<const sockaddr*>(&from),
                         sizeof from),
             2);
    await(client, POLLIN);
    CHECK_EQ(read_some(client, 10), 2U);
    sys::close(server);
}

void check_rules() {
    for (const auto rule : {refused_and_again, least_to_read, exclusive,
                            what_an_accepted_socket_inherits, largest_buffer, datagrams_from_any}) {
        Descriptors descriptors;
        rule(descriptors);
    }
}

} // namespace

TEST_CASE("rules of sockets and epoll, on the real kernel") { check_rules(); }

TEST_CASE("rules of sockets and epoll, on the simulated kernel") {
    SeededChoices choices{1};
    const Simulation simulation{choices, {.vary = Variations::none()}};
    check_rules();
    CHECK(simulation.open_descriptors().empty());
}

TEST_CASE("simulation: a program may leave everything open") {
    const DescriptorLedger real;
    SeededChoices choices{1};
    const Simulation simulation{choices, {.vary = Variations::none()}};
    const int counter = sys::eventfd(1, 0);
    const int set = sys::epoll_create1(0);
    epoll_event event{.events = EPOLLIN, .data = {}};
    CHECK_EQ(sys::epoll_ctl(set, EPOLL_CTL_ADD, counter, &event), 0);
    CHECK_GE(sys::open("/dev/null", O_RDONLY), 0);
    CHECK_EQ(simulation.open_descriptors().size(), 3U);
}
