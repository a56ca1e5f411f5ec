// L1–L23 of the catalogue: the readiness table. One case for each state a watched descriptor can
// be in, asked for everything; the first report must be exactly what the table says, the same for
// level, edge and one-shot. Then level says it again, and the other two are silent.
//
// The table's columns: what select can tell, and what poll and epoll tell alike.

#include <arpa/inet.h>
#include <cerrno>
#include <chrono>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pollux/error.hpp>
#include <string>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/contract.hpp"
#include "support/observing.hpp"
#include "support/sockets.hpp"

using namespace pollux;
using namespace pollux_test;

namespace {

constexpr Interest everything = Interest::read_write | Interest::urgent;

// A row for a registration that stands already: its first report, made by one waiting call and no
// other (nobody probes with read or SO_ERROR), and what follows.
void check_reports(const Mode& mode, Reactor& reactor, const std::string& select,
                   const std::string& others) {
    const std::string ready = mode.is(Backend::select) ? select : others;
    const std::string expected = ready.empty() ? "" : "7:" + ready;
    const CallRecord calls;
    CHECK_EQ(look(reactor), expected);
    // What woke a request of io_uring may be wrong about urgent data.
    const bool asks_again = mode.is(Backend::io_uring) && ready.find("urgent") != std::string::npos;
    CHECK_EQ(calls.made(),
             std::string{wait_call(mode.backend)} + (asks_again ? "*1 ppoll*1" : "*1"));
    CHECK_EQ(look(reactor), mode.is(Trigger::level) ? expected : "");
}

void check_row(const Mode& mode, int fd, const std::string& select, const std::string& others,
               Interest interest = everything) {
    const auto reactor = mode.reactor();
    reactor->add(fd, Token{7}, interest, mode.trigger);
    check_reports(mode, *reactor, select, others);
}

void check_row(const Mode& mode, const Fd& fd, const std::string& select,
               const std::string& others) {
    check_row(mode, fd.get(), select, others);
}

void shut(const Fd& socket, int how) { check(::shutdown(socket.get(), how), "shutdown"); }

int pending_error(const Fd& socket) {
    int error = 0;
    socklen_t size = sizeof error;
    check(::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &error, &size), "getsockopt");
    return error;
}

// Waits until both ends have come and ours was confirmed: nothing more is to be told.
void await_confirmed(const Fd& socket) {
    const auto give_up = std::chrono::steady_clock::now() + longest_wait;
    tcp_info now{};
    do {
        REQUIRE(std::chrono::steady_clock::now() < give_up);
        socklen_t size = sizeof now;
        check(::getsockopt(socket.get(), IPPROTO_TCP, TCP_INFO, &now, &size), "getsockopt");
    } while (now.tcpi_state != TCP_CLOSE);
    await_told(socket, POLLHUP);
}

// A TCP socket whose non-blocking connect has been refused: the port is bound, nobody listens.
Fd refused_client() {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    auto* const name = reinterpret_cast<sockaddr*>(&address);
    socklen_t size = sizeof address;
    const Fd deaf{check(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket")};
    check(::bind(deaf.get(), name, size), "bind");
    check(::getsockname(deaf.get(), name, &size), "getsockname");
    Fd client{check(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), "socket")};
    REQUIRE_EQ(::connect(client.get(), name, size), -1);
    REQUIRE_EQ(errno, EINPROGRESS);
    await_told(client, POLLERR);
    return client;
}

} // namespace

CONTRACT_CASE("L1 stream, idle", everywhere) {
    const Ends ends = unix_pair();
    check_row(mode, ends.ours, "writable", "writable");
}

CONTRACT_CASE("L1 stream, with data", everywhere) {
    const Ends ends = unix_pair();
    put(ends.theirs, "x");
    check_row(mode, ends.ours, "readable|writable", "readable|writable");
}

CONTRACT_CASE("L2 Unix stream, peer has shut its sending side: no hang-up", everywhere) {
    const Ends ends = unix_pair();
    shut(ends.theirs, SHUT_WR);
    check_row(mode, ends.ours, "readable|writable", "readable|writable|peer_closed");
}

CONTRACT_CASE("L3 Unix stream, peer has closed: hang-up", everywhere) {
    Ends ends = unix_pair();
    ends.theirs.reset();
    check_row(mode, ends.ours, "readable|writable", "readable|writable|peer_closed|hang_up");
}

CONTRACT_CASE("L4 TCP, peer has shut its sending side", everywhere) {
    const Ends ends = tcp_pair();
    shut(ends.theirs, SHUT_WR);
    await_told(ends.ours, POLLRDHUP);
    check_row(mode, ends.ours, "readable|writable", "readable|writable|peer_closed");
}

CONTRACT_CASE("L4 TCP, peer has closed: unlike Unix, no hang-up", everywhere) {
    Ends ends = tcp_pair();
    ends.theirs.reset();
    await_told(ends.ours, POLLRDHUP);
    check_row(mode, ends.ours, "readable|writable", "readable|writable|peer_closed");
}

CONTRACT_CASE("L5 TCP, both directions shut", everywhere) {
    const Ends ends = tcp_pair();
    shut(ends.theirs, SHUT_WR);
    await(ends.ours, POLLRDHUP);
    shut(ends.ours, SHUT_WR);
    await_confirmed(ends.ours);
    check_row(mode, ends.ours, "readable|writable", "readable|writable|peer_closed|hang_up");
}

CONTRACT_CASE("L6 TCP, our write hit a closed peer", everywhere) {
    Ends ends = tcp_pair();
    ends.theirs.reset();
    await(ends.ours, POLLRDHUP);
    REQUIRE_EQ(::send(ends.ours.get(), "x", 1, MSG_NOSIGNAL), 1); // succeeds; the answer is a reset
    await_told(ends.ours, POLLERR);
    check_row(mode, ends.ours, "readable|writable", "readable|writable|peer_closed|hang_up|error");
    CHECK_EQ(::send(ends.ours.get(), "x", 1, MSG_NOSIGNAL), -1);
    CHECK_EQ(errno, EPIPE);
}

CONTRACT_CASE("L7 TCP, reset by the peer: the error waits for its reader", everywhere) {
    Ends ends = tcp_pair();
    reset(ends.theirs);
    await_told(ends.ours, POLLERR);
    check_row(mode, ends.ours, "readable|writable", "readable|writable|peer_closed|hang_up|error");
    char byte = 0;
    CHECK_EQ(::read(ends.ours.get(), &byte, 1), -1); // no wait above took the error away
    CHECK_EQ(errno, ECONNRESET);
    CHECK_EQ(::read(ends.ours.get(), &byte, 1), 0); // told once; now it looks like an orderly end
}

CONTRACT_CASE("L8 TCP, reset, after somebody asked SO_ERROR", everywhere) {
    Ends ends = tcp_pair();
    reset(ends.theirs);
    await_told(ends.ours, POLLERR);
    REQUIRE_EQ(pending_error(ends.ours), ECONNRESET);
    check_row(mode, ends.ours, "readable|writable", "readable|writable|peer_closed|hang_up");
    char byte = 0;
    CHECK_EQ(::read(ends.ours.get(), &byte, 1), 0);
}

CONTRACT_CASE("L9 TCP socket never connected", everywhere) {
    const Fd socket{::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
    check_row(mode, socket, "readable|writable", "readable|writable|hang_up");
}

CONTRACT_CASE("L9 Unix socket never connected", everywhere) {
    const Fd socket{::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
    check_row(mode, socket, "readable|writable", "readable|writable|hang_up");
}

CONTRACT_CASE("L10 connect refused: writable is not connected", everywhere) {
    const Fd client = refused_client();
    check_row(mode, client, "readable|writable", "readable|writable|peer_closed|hang_up|error");
    CHECK_EQ(pending_error(client), ECONNREFUSED); // still there: nobody has asked before
}

CONTRACT_CASE("L11 pipe, read end, empty and its writer gone", everywhere) {
    Ends ends = pipe_ends();
    ends.theirs.reset();
    REQUIRE_EQ(state(ends.ours, POLLIN), POLLHUP); // the kernel says hang-up and not "in"
    check_row(mode, ends.ours, "readable", "readable|hang_up");
}

CONTRACT_CASE("L12 pipe, read end, data and its writer gone", everywhere) {
    Ends ends = pipe_ends();
    put(ends.theirs, "x");
    ends.theirs.reset();
    check_row(mode, ends.ours, "readable", "readable|hang_up");
}

CONTRACT_CASE("L13 pipe, write end, its reader gone", everywhere) {
    Ends ends = pipe_ends();
    ends.ours.reset();
    check_row(mode, ends.theirs, "readable|writable", "readable|writable|error");
}

CONTRACT_CASE("L14 listener, idle", everywhere) {
    const Fd listener = tcp_listener();
    check_row(mode, listener, "", "");
}

CONTRACT_CASE("L14 listener, a client waits", everywhere) {
    const Fd listener = tcp_listener();
    const Fd client = tcp_client(port_of(listener));
    await_told(listener, POLLIN);
    check_row(mode, listener, "readable", "readable");
}

CONTRACT_CASE("L15 listener after shutdown", everywhere) {
    const Fd listener = tcp_listener();
    shut(listener, SHUT_RDWR);
    check_row(mode, listener, "readable|writable", "readable|writable|hang_up");
}

CONTRACT_CASE("L16 UDP, the peer's port is unreachable", everywhere) {
    Ends ends = udp_pair();
    ends.theirs.reset();
    REQUIRE_EQ(::send(ends.ours.get(), "x", 1, 0), 1);
    await_told(ends.ours, POLLERR);
    check_row(mode, ends.ours, "readable|writable", "readable|writable|error");
    char byte = 0;
    CHECK_EQ(::recv(ends.ours.get(), &byte, 1, 0), -1);
    CHECK_EQ(errno, ECONNREFUSED);
    check_row(mode, ends.ours, "writable", "writable"); // cleared by the read
}

CONTRACT_CASE("L17 TCP urgent byte: urgent, not readable", everywhere) {
    const Ends ends = tcp_pair();
    REQUIRE_EQ(::send(ends.theirs.get(), "!", 1, MSG_OOB), 1);
    await_told(ends.ours, POLLPRI);
    check_row(mode, ends.ours, "writable|urgent", "writable|urgent");
}

CONTRACT_CASE("L18 regular file: always ready, or refused by epoll", everywhere) {
    const Fd file{check(::memfd_create("pollux test", MFD_CLOEXEC), "memfd_create")};
    const Fd null{check(::open("/dev/null", O_RDWR | O_CLOEXEC), "open")};
    for (const Fd* fd : {&file, &null}) {
        if (on_epoll(mode))
            CHECK_EQ(error_of([&] { check_row(mode, *fd, "", ""); }), EPERM);
        else
            check_row(mode, *fd, "readable|writable", "readable|writable");
    }
}

// Against the contract of the seam, as L20 and L23: what is closed is still registered.
CONTRACT_CASE("L19 closed behind the reactor: select and poll report an error, epoll forgets",
              everywhere) {
    Ends ends = unix_pair();
    const auto reactor = mode.reactor();
    reactor->add(ends.ours.get(), Token{7}, everything, mode.trigger);
    ends.ours.reset();
    CHECK_EQ(look(*reactor), on_epoll(mode) ? "" : "7:readable|writable|error");
    CHECK_EQ(look(*reactor), ""); // told once, then no longer watched
}

// select(2) skips numbers beyond the process's table of descriptors instead of failing with
// EBADF. The table never shrinks, but the copy a forked child gets is cut to what is open.
CONTRACT_CASE("L20 number above every open descriptor: the kernel's select skips it", on_select) {
    const Ends ends = unix_pair();
    const auto reactor = mode.reactor();
    Fd high{check(::fcntl(ends.ours.get(), F_DUPFD_CLOEXEC, 1000), "fcntl")};
    reactor->add(high.get(), Token{7}, everything, mode.trigger);
    high.reset();
    const pid_t child = check(::fork(), "fork");
    if (child == 0) ::_exit(reactor->wait(Timeout::zero()).empty() ? 0 : 1);
    int status = -1;
    check(::waitpid(child, &status, 0), "waitpid");
    CHECK_EQ(status, 0);
    CHECK_EQ(look(*reactor), "7:readable|writable|error"); // here the table still reaches it
}

// The seam has no interest in nothing, for this reason; urgent alone comes nearest.
CONTRACT_CASE("L21 hang-up of a Unix peer cannot be masked by poll and epoll", everywhere) {
    Ends ends = unix_pair();
    ends.theirs.reset();
    check_row(mode, ends.ours.get(), "", "readable|hang_up", Interest::urgent);
}

CONTRACT_CASE("L22 end of a TCP peer can be masked, until our own shutdown", everywhere) {
    const Ends ends = tcp_pair();
    shut(ends.theirs, SHUT_WR);
    await(ends.ours, POLLRDHUP);
    const auto reactor = mode.reactor();
    reactor->add(ends.ours.get(), Token{7}, Interest::urgent, mode.trigger);
    CHECK_EQ(look(*reactor), "");
    shut(ends.ours, SHUT_WR);
    await_confirmed(ends.ours);
    check_reports(mode, *reactor, "", "readable|hang_up");
}

CONTRACT_CASE("L23 number replaced by dup2: select and poll follow it, epoll forgets", everywhere) {
    const Ends idle = unix_pair();
    const Ends busy = unix_pair();
    put(busy.theirs, "x");
    const auto reactor = mode.reactor();
    reactor->add(idle.ours.get(), Token{7}, Interest::read, mode.trigger);
    check(::dup2(busy.ours.get(), idle.ours.get()), "dup2");
    if (on_epoll(mode))
        CHECK_EQ(look(*reactor), "");
    else
        check_reports(mode, *reactor, "readable", "readable");
}
