#include "socket.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <memory>
#include <netdb.h>
#include <netinet/tcp.h>
#include <random>
#include <sstream>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "clock.hpp"

namespace load {
namespace {

constexpr rlim_t other_descriptors = 16; // standard streams, epoll, libraries

struct FreeAddress {
    void operator()(addrinfo* address) const noexcept { freeaddrinfo(address); }
};
using Address = std::unique_ptr<addrinfo, FreeAddress>;

Address resolve(const Options& options) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    const int error = getaddrinfo(options.host.c_str(), options.port.c_str(), &hints, &found);
    if (error != 0) throw Failure{options.host + ":" + options.port + ": " + gai_strerror(error)};
    return Address{found};
}

template <class Value> void set_option(const Fd& socket, int level, int name, const Value& value) {
    if (setsockopt(socket.get(), level, name, &value, sizeof value) < 0) fail("setsockopt");
}

// Connects while the socket blocks: one after the other is fast enough and keeps the order.
// SO_SNDTIMEO bounds connect as well, which then says EINPROGRESS. SO_LINGER with zero resets at
// close and so leaves nothing in TIME_WAIT to disturb the next run.
Fd connect_one(const addrinfo& address, const timeval& patience) {
    Fd socket{::socket(address.ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    if (socket.get() < 0) fail("socket");
    set_option(socket, SOL_SOCKET, SO_SNDTIMEO, patience);
    set_option(socket, SOL_SOCKET, SO_LINGER, linger{.l_onoff = 1, .l_linger = 0});
    set_option(socket, IPPROTO_TCP, TCP_NODELAY, 1);
    if (connect(socket.get(), address.ai_addr, address.ai_addrlen) < 0) {
        if (errno == EINPROGRESS) errno = ETIMEDOUT;
        fail("connect");
    }
    if (fcntl(socket.get(), F_SETFL, O_NONBLOCK) < 0) fail("fcntl");
    return socket;
}

timeval timeval_of(std::chrono::nanoseconds duration) {
    const auto microseconds = std::chrono::ceil<std::chrono::microseconds>(duration).count();
    return {.tv_sec = microseconds / 1'000'000, .tv_usec = microseconds % 1'000'000};
}

std::string seconds_text(std::chrono::nanoseconds duration) {
    std::ostringstream text;
    text << std::chrono::duration<double>{duration}.count() << " s";
    return text.str();
}

} // namespace

Fd::~Fd() {
    if (fd_ >= 0) close(fd_);
}

void fail(const std::string& what) { throw Failure{what + ": " + std::strerror(errno)}; }

void make_room_for(std::size_t connections) {
    rlimit limit{};
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0) fail("getrlimit");
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) < 0) fail("setrlimit");
    if (limit.rlim_max < connections + other_descriptors)
        throw Failure{std::to_string(connections) + " connections need " +
                      std::to_string(connections + other_descriptors) +
                      " descriptors; the hard limit is " + std::to_string(limit.rlim_max)};
}

void connect_all(const Options& options, std::vector<Fd>& sockets) {
    const Address address = resolve(options);
    const timeval patience = timeval_of(options.patience);
    sockets.reserve(options.connections);
    try {
        while (sockets.size() < options.connections)
            sockets.push_back(connect_one(*address, patience));
    } catch (const Failure& failure) {
        throw Failure{std::to_string(sockets.size()) + " of " +
                      std::to_string(options.connections) + " connections to " + options.host +
                      ":" + options.port + " open, then " + failure.what()};
    }
}

Pattern::Pattern(bool upper) : bytes_(period + longest) {
    std::minstd_rand random{1};
    for (std::size_t i = 0; i < bytes_.size(); ++i)
        bytes_[i] = i < period ? static_cast<char>(random() >> 8U) : bytes_[i - period];
    answers_ = bytes_;
    if (!upper) return;
    for (char& byte : answers_)
        if (byte >= 'a' && byte <= 'z') byte = static_cast<char>(byte - 'a' + 'A');
}

Poller::Poller(const Options& options)
    : epoll_(epoll_create1(EPOLL_CLOEXEC)), spin_(options.spin), patience_(options.patience) {
    if (epoll_.get() < 0) fail("epoll_create1");
}

void Poller::control(int operation, int fd, std::size_t index, std::uint32_t events) {
    epoll_event event{.events = events, .data = {.u64 = index}};
    if (epoll_ctl(epoll_.get(), operation, fd, &event) < 0) fail("epoll_ctl");
}

void Poller::add(int fd, std::size_t index, std::uint32_t events) {
    control(EPOLL_CTL_ADD, fd, index, events);
}

void Poller::modify(int fd, std::size_t index, std::uint32_t events) {
    control(EPOLL_CTL_MOD, fd, index, events);
}

void Poller::remove(int fd) noexcept { epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr); }

const std::vector<epoll_event>& Poller::wait() {
    const auto whole = std::chrono::ceil<std::chrono::milliseconds>(patience_);
    const int milliseconds = spin_ ? 0 : static_cast<int>(whole.count());
    const std::int64_t deadline = now() + patience_.count();
    for (;;) {
        const int count = epoll_wait(epoll_.get(), events_.data(), static_cast<int>(events_.size()),
                                     milliseconds);
        if (count < 0 && errno != EINTR) fail("epoll_wait");
        found_ = count > 0 ? static_cast<std::size_t>(count) : 0;
        if (found_ > 0) return events_;
        if (now() >= deadline)
            throw Failure{"the server did nothing for " + seconds_text(patience_)};
    }
}

} // namespace load
