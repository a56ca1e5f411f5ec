#include "dialer.hpp"

#include <arpa/inet.h>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>

namespace load {
namespace {

constexpr rlim_t other_descriptors = 16; // standard streams, epoll, libraries

template <class Value> void set_option(const Fd& socket, int level, int name, const Value& value) {
    if (setsockopt(socket.get(), level, name, &value, sizeof value) < 0) fail("setsockopt");
}

timeval timeval_of(std::chrono::nanoseconds duration) {
    const auto microseconds = std::chrono::ceil<std::chrono::microseconds>(duration).count();
    return {.tv_sec = microseconds / 1'000'000, .tv_usec = microseconds % 1'000'000};
}

rlim_t hard_limit() {
    rlimit limit{};
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0) fail("getrlimit");
    return limit.rlim_max;
}

} // namespace

void fail(const std::string& what) { throw Failure{what + ": " + std::strerror(errno)}; }

std::size_t most_connections() {
    const rlim_t limit = hard_limit();
    return limit > other_descriptors ? limit - other_descriptors : 0;
}

void make_room_for(std::size_t connections) {
    const rlim_t most = hard_limit();
    const rlimit limit{.rlim_cur = most, .rlim_max = most};
    if (setrlimit(RLIMIT_NOFILE, &limit) < 0) fail("setrlimit");
    if (most < connections + other_descriptors)
        throw Failure{std::to_string(connections) + " connections need " +
                      std::to_string(connections + other_descriptors) +
                      " descriptors; the hard limit is " + std::to_string(most)};
}

Dialer::Dialer(const Options& options) : options_(options) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    const int error = getaddrinfo(options.host.c_str(), options.port.c_str(), &hints, &found);
    if (error != 0) throw Failure{options.host + ":" + options.port + ": " + gai_strerror(error)};
    address_.reset(found);
}

// SO_LINGER with zero resets at close and so leaves nothing in TIME_WAIT to disturb the next run.
Fd Dialer::socket_for(int flags) const {
    Fd socket{::socket(address_->ai_family, SOCK_STREAM | SOCK_CLOEXEC | flags, 0)};
    if (!socket.is_open()) fail("socket");
    if (options_.ending == Options::Ending::reset)
        set_option(socket, SOL_SOCKET, SO_LINGER, linger{.l_onoff = 1, .l_linger = 0});
    set_option(socket, IPPROTO_TCP, TCP_NODELAY, 1);
    if (options_.receive_buffer > 0)
        set_option(socket, SOL_SOCKET, SO_RCVBUF, static_cast<int>(options_.receive_buffer));
    if (source_ == 0) return socket;
    sockaddr_in source{};
    source.sin_family = AF_INET;
    source.sin_addr.s_addr = htonl(source_);
    // The port is chosen when it is known whereto: else each could serve one connection only.
    set_option(socket, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
    if (bind(socket.get(), reinterpret_cast<const sockaddr*>(&source), sizeof source) < 0)
        fail("bind");
    return socket;
}

// Connects while the socket blocks: one after the other is fast enough and keeps the order.
// SO_SNDTIMEO bounds connect as well, which then says EINPROGRESS.
Fd Dialer::dial() const {
    Fd socket = socket_for(0);
    set_option(socket, SOL_SOCKET, SO_SNDTIMEO, timeval_of(options_.patience));
    if (connect(socket.get(), address_->ai_addr, address_->ai_addrlen) < 0) {
        if (errno == EINPROGRESS) errno = ETIMEDOUT;
        fail("connect");
    }
    if (fcntl(socket.get(), F_SETFL, O_NONBLOCK) < 0) fail("fcntl");
    return socket;
}

Fd Dialer::begin() const {
    Fd socket = socket_for(SOCK_NONBLOCK);
    if (connect(socket.get(), address_->ai_addr, address_->ai_addrlen) == 0) return socket;
    if (errno == EADDRNOTAVAIL) throw Failure{"connect: no port is left on this side"};
    if (errno != EINPROGRESS) fail("connect");
    return socket;
}

void Dialer::dial_all(std::size_t count, const std::function<void(Fd)>& take) const {
    for (std::size_t open = 0; open < count; ++open) {
        try {
            take(dial());
        } catch (const Failure& failure) {
            throw Failure{std::to_string(open) + " of " + std::to_string(count) +
                          " connections to " + options_.host + ":" + options_.port +
                          " open, then " + failure.what()};
        }
    }
}

void Dialer::from_loopback(unsigned host) {
    if (address_->ai_family != AF_INET) return;
    const auto* const server = reinterpret_cast<const sockaddr_in*>(address_->ai_addr);
    const in_addr_t network = ntohl(server->sin_addr.s_addr) & IN_CLASSA_NET;
    if (network == (INADDR_LOOPBACK & IN_CLASSA_NET)) source_ = network + host;
}

} // namespace load
