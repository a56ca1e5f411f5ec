// The readiness table of the contract (V3), row by row on the real kernel and on the simulated one:
// what select, poll and epoll say of a descriptor in that state.

#include <doctest/doctest.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <functional>
#include <optional>
#include <pollux/instruments/simulation.hpp>
#include <string>
#include <thread>

#include "simulation/bare_calls.hpp"
#include "support/sockets.hpp"
#include "sys.hpp"

namespace sys = pollux::sys;

using namespace pollux;
using namespace pollux_test;

namespace {

constexpr unsigned in = POLLIN;
constexpr unsigned out = POLLOUT;
constexpr unsigned urgent = POLLPRI;
constexpr unsigned error = POLLERR;
constexpr unsigned hang_up = POLLHUP;
constexpr unsigned peer_closed = POLLRDHUP;
constexpr unsigned all = in | out | urgent | peer_closed;

/// What each facility says.
struct Said {
    std::string select;
    unsigned poll = 0;
    std::optional<unsigned> epoll; // none: refused
    bool operator==(const Said&) const = default;
};

std::string text(const Said& said) {
    return said.select + " poll " + std::to_string(said.poll) + " epoll " +
           (said.epoll ? std::to_string(*said.epoll) : "refuses");
}

std::string ask_select(int fd) {
    std::array<fd_set, 3> sets{};
    for (fd_set& set : sets) FD_SET(fd, &set);
    const timespec at_once{};
    if (sys::pselect(fd + 1, &sets[0], &sets[1], &sets[2], &at_once, nullptr) < 0) return "refuses";
    const auto bit = [&](std::size_t set, char letter) {
        return FD_ISSET(fd, &sets.at(set)) ? letter : '-';
    };
    return {bit(0, 'r'), bit(1, 'w'), bit(2, 'x')};
}

std::optional<unsigned> ask_epoll(int fd) {
    const Fd set{sys::epoll_create1(0)};
    epoll_event event{.events = all, .data = {.fd = fd}};
    if (sys::epoll_ctl(set.get(), EPOLL_CTL_ADD, fd, &event) < 0) return std::nullopt;
    epoll_event found{};
    return sys::epoll_wait(set.get(), &found, 1, 0) == 1 ? found.events : 0;
}

Said ask(int fd) { return {ask_select(fd), state_of(fd, all), ask_epoll(fd)}; }

struct Row {
    const char* name;
    std::function<int(Descriptors&)> make; // the descriptor that is looked at
    std::string select;
    unsigned bits;
};

void await(int fd, unsigned bits) {
    const auto give_up = std::chrono::steady_clock::now() + longest_wait;
    while ((state_of(fd, all) & bits) != bits && std::chrono::steady_clock::now() < give_up)
        std::this_thread::yield();
}

using Two = Descriptors::Two;

int after_reset(Descriptors& descriptors) {
    const auto [ours, theirs] = descriptors.tcp_pair();
    descriptors.close_with_reset(theirs);
    await(ours, hang_up);
    return ours;
}

// L6 and its like need the peer's answer to have come.
int after_write_to_closed(Descriptors& descriptors) {
    const auto [ours, theirs] = descriptors.tcp_pair();
    descriptors.close(theirs);
    await(ours, peer_closed);
    send_some(ours, 1);
    await(ours, error);
    return ours;
}

const std::array rows{
    Row{"L1 TCP, idle", [](auto& d) { return d.tcp_pair().first; }, "-w-", out},
    Row{"L1 Unix, idle", [](auto& d) { return d.unix_pair().first; }, "-w-", out},
    Row{"L1 TCP, with data",
        [](auto& d) {
            const Two ends = d.tcp_pair();
            send_some(ends.second, 5);
            await(ends.first, in);
            return ends.first;
        },
        "rw-", in | out},
    Row{"L1 Unix, with data",
        [](auto& d) {
            const Two ends = d.unix_pair();
            send_some(ends.second, 5);
            return ends.first;
        },
        "rw-", in | out},
    Row{"L2 Unix, peer shut its side",
        [](auto& d) {
            const Two ends = d.unix_pair();
            sys::shutdown(ends.second, SHUT_WR);
            return ends.first;
        },
        "rw-", in | out | peer_closed},
    Row{"L3 Unix, peer closed",
        [](auto& d) {
            const Two ends = d.unix_pair();
            d.close(ends.second);
            return ends.first;
        },
        "rw-", in | out | hang_up | peer_closed},
    Row{"L4 TCP, peer shut its side",
        [](auto& d) {
            const Two ends = d.tcp_pair();
            sys::shutdown(ends.second, SHUT_WR);
            await(ends.first, peer_closed);
            return ends.first;
        },
        "rw-", in | out | peer_closed},
    Row{"L4 TCP, peer closed",
        [](auto& d) {
            const Two ends = d.tcp_pair();
            d.close(ends.second);
            await(ends.first, peer_closed);
            return ends.first;
        },
        "rw-", in | out | peer_closed},
    Row{"L5 TCP, both directions shut",
        [](auto& d) {
            const Two ends = d.tcp_pair();
            sys::shutdown(ends.second, SHUT_WR);
            sys::shutdown(ends.first, SHUT_WR);
            await(ends.first, hang_up);
            return ends.first;
        },
        "rw-", in | out | hang_up | peer_closed},
    Row{"L6 TCP, our write hit a closed peer", after_write_to_closed, "rw-",
        in | out | error | hang_up | peer_closed},
    Row{"L7 TCP, reset received", after_reset, "rw-", in | out | error | hang_up | peer_closed},
    Row{"L8 TCP, reset, somebody took the error",
        [](auto& d) {
            const int fd = after_reset(d);
            int taken = 0;
            socklen_t size = sizeof taken;
            sys::getsockopt(fd, SOL_SOCKET, SO_ERROR, &taken, &size);
            CHECK_EQ(taken, ECONNRESET);
            return fd;
        },
        "rw-", in | out | hang_up | peer_closed},
    Row{"L7 TCP, reset, the error was read",
        [](auto& d) {
            const int fd = after_reset(d);
            CHECK_EQ(read_error(fd), ECONNRESET);
            CHECK_EQ(read_error(fd), 0); // looks like a clean end
            return fd;
        },
        "rw-", in | out | hang_up | peer_closed},
    Row{"L9 TCP, never connected", [](auto& d) { return d.tcp(); }, "rw-", out | hang_up},
    Row{"L9 Unix, never connected", [](auto& d) { return d.unix_stream(); }, "rw-", out | hang_up},
    Row{"L10 connect refused",
        [](auto& d) {
            const int bound = d.listener();
            const int fd = d.connect_to(SOCK_STREAM, bound);
            await(fd, out);
            d.close(bound); // who waited there is reset
            const int nobody = d.bound_tcp();
            const int refused = d.connect_to(SOCK_STREAM, nobody);
            await(refused, error);
            return refused;
        },
        "rw-", in | out | error | hang_up | peer_closed},
    Row{"L7 TCP, the listener closed before anybody accepted",
        [](auto& d) {
            const int bound = d.listener();
            const int fd = d.connect_to(SOCK_STREAM, bound);
            await(fd, out);
            d.close(bound);
            await(fd, error);
            return fd;
        },
        "rw-", in | out | error | hang_up | peer_closed},
    Row{"L11 pipe, empty, writer closed",
        [](auto& d) {
            const Two ends = d.pipe();
            d.close(ends.second);
            return ends.first;
        },
        "r--", hang_up},
    Row{"L12 pipe, data, writer closed",
        [](auto& d) {
            const Two ends = d.pipe();
            send_some(ends.second, 5);
            d.close(ends.second);
            return ends.first;
        },
        "r--", in | hang_up},
    Row{"L13 pipe, reader closed",
        [](auto& d) {
            const Two ends = d.pipe();
            d.close(ends.first);
            return ends.second;
        },
        "rw-", out | error},
    Row{"L14 listener, idle", [](auto& d) { return d.listener(); }, "---", 0},
    Row{"L14 listener, somebody waits",
        [](auto& d) {
            const int fd = d.listener();
            d.connect_to(SOCK_STREAM, fd);
            await(fd, in);
            return fd;
        },
        "r--", in},
    Row{"L15 listener, shut",
        [](auto& d) {
            const int fd = d.listener();
            sys::shutdown(fd, SHUT_RDWR);
            return fd;
        },
        "rw-", out | hang_up},
    Row{"L16 UDP, what was sent found nobody",
        [](auto& d) {
            const int nobody = d.udp();
            const int fd = d.connect_to(SOCK_DGRAM, nobody);
            d.close(nobody);
            send_some(fd, 1);
            await(fd, error);
            return fd;
        },
        "rw-", out | error},
    Row{"L17 TCP, urgent byte",
        [](auto& d) {
            const Two ends = d.tcp_pair();
            send_some(ends.second, 1, MSG_OOB);
            await(ends.first, urgent);
            return ends.first;
        },
        "-wx", out | urgent},
    Row{"L17 TCP, urgent byte behind data",
        [](auto& d) {
            const Two ends = d.tcp_pair();
            send_some(ends.second, 3, MSG_OOB);
            await(ends.first, urgent | in);
            return ends.first;
        },
        "rwx", in | out | urgent},
    Row{"TCP, its buffers full",
        [](auto& d) {
            const Two ends = d.tcp_pair();
            while ((state_of(ends.first, all) & out) != 0) send_some(ends.first, 65536);
            return ends.first;
        },
        "---", 0},
    Row{"Unix, its buffers full",
        [](auto& d) {
            const Two ends = d.unix_pair();
            while (send_some(ends.first, 65536) > 0) {
            }
            return ends.first;
        },
        "---", 0},
    Row{"pipe, full",
        [](auto& d) {
            const Two ends = d.pipe();
            while (send_some(ends.second, 65536) > 0) {
            }
            return ends.second;
        },
        "---", 0},
    Row{"eventfd, zero", [](auto& d) { return d.counter(0); }, "-w-", out},
    Row{"eventfd, not zero", [](auto& d) { return d.counter(1); }, "rw-", in | out},
};

void check_rows(const char* kernel) {
    for (const Row& row : rows) {
        CAPTURE(kernel);
        CAPTURE(row.name);
        Descriptors descriptors;
        const int fd = row.make(descriptors);
        const Said expected{row.select, row.bits, row.bits};
        CHECK_EQ(text(ask(fd)), text(expected));
    }
}

// The rows in which the facilities differ.
void check_where_they_differ() {
    Descriptors descriptors;
    const Said file{.select = "rw-", .poll = in | out, .epoll = std::nullopt};
    CHECK_EQ(text(ask(descriptors.dev_null())), text(file)); // L18
    CHECK_EQ(errno, EPERM);

    const auto [closed, other] = descriptors.unix_pair();
    const Fd set{sys::epoll_create1(0)};
    epoll_event event{.events = all, .data = {}};
    REQUIRE_EQ(sys::epoll_ctl(set.get(), EPOLL_CTL_ADD, closed, &event), 0);
    descriptors.close(closed);
    CHECK_EQ(sys::epoll_wait(set.get(), &event, 1, 0), 0); // L19
    CHECK_EQ(ask_select(closed), "refuses");
    CHECK_EQ(errno, EBADF);
    CHECK_EQ(state_of(closed, all), POLLNVAL);

    constexpr int nobody = 1020; // beyond the table of descriptors
    fd_set asked{};
    FD_SET(nobody, &asked);
    const timespec at_once{};
    CHECK_EQ(sys::pselect(nobody + 1, &asked, nullptr, nullptr, &at_once, nullptr), 0); // L20

    CHECK_EQ(state_of(other, 0), hang_up); // L21: cannot be masked
    const auto [ours, theirs] = descriptors.tcp_pair();
    sys::shutdown(theirs, SHUT_WR);
    await(ours, peer_closed);
    CHECK_EQ(state_of(ours, 0), 0U); // L22
    sys::shutdown(ours, SHUT_WR);
    await(ours, hang_up);
    CHECK_EQ(state_of(ours, 0), hang_up);
}

} // namespace

TEST_CASE("L1 to L22: the readiness table, on the real kernel") {
    check_rows("real");
    check_where_they_differ();
}

TEST_CASE("L1 to L22: the readiness table, on the simulated kernel") {
    SeededChoices choices{1};
    const Simulation simulation{choices, {.vary = Variations::none()}};
    check_rows("simulated");
    check_where_they_differ();
    CHECK(simulation.open_descriptors().empty());
}
