#include "instruments/simulated_socket.hpp"

#include <algorithm>
#include <cstring>
#include <netinet/in.h>
#include <poll.h>

namespace pollux::simulated {

Socket::Socket(World& world, int of_family, int of_type, int of_protocol)
    : OpenFile{world},
      family{of_family},
      type{of_type},
      protocol{of_protocol},
      send_buffer{world.options.send_buffer},
      receive_buffer{world.options.receive_buffer} {}

Result Socket::bind(const Address& to) {
    if (!local.unnamed() && (family == AF_UNIX || local.port() != 0)) return -EINVAL;
    if (to.family() != family) return -EAFNOSUPPORT;
    return world().network.bind(*this, to);
}

Result Socket::read(Writable into, int flags) {
    Envelope ignored;
    return receive(into, flags, ignored);
}

int Socket::option(int level, int name) const {
    const auto found = options_.find({level, name});
    return found == options_.end() ? 0 : found->second;
}

Result Socket::get_option(int level, int name, void* value, socklen_t* size) {
    const auto give = [&](const auto& given) -> Result {
        *size = static_cast<socklen_t>(std::min<std::size_t>(*size, sizeof given));
        std::memcpy(value, &given, *size);
        return 0;
    };
    if (level != SOL_SOCKET) return give(option(level, name));
    switch (name) {
    case SO_ERROR:
        return give(take_error());
    case SO_TYPE:
        return give(type);
    case SO_DOMAIN:
        return give(family);
    case SO_PROTOCOL:
        return give(protocol);
    case SO_ACCEPTCONN:
        return give(is_listening() ? 1 : 0);
    case SO_SNDBUF:
        return give(static_cast<int>(send_buffer));
    case SO_RCVBUF:
        return give(static_cast<int>(receive_buffer));
    case SO_LINGER:
        return give(linger{.l_onoff = resets_on_close ? 1 : 0, .l_linger = 0});
    case SO_PEERCRED:
        return give(ucred{.pid = 1000, .uid = 1000, .gid = 1000});
    default:
        return give(option(level, name));
    }
}

Result Socket::set_option(int level, int name, const void* value, socklen_t size) {
    int number = 0;
    std::memcpy(&number, value, std::min<std::size_t>(size, sizeof number));
    if (level == SOL_SOCKET && name == SO_LINGER) {
        linger given{};
        if (size < sizeof given) return -EINVAL;
        std::memcpy(&given, value, sizeof given);
        resets_on_close = given.l_onoff != 0 && given.l_linger == 0;
        return 0;
    }
    // The kernel doubles what is asked for, within these bounds (socket(7)).
    const int size_of_buffer = std::min(number, 212'992);
    if (level == SOL_SOCKET && name == SO_SNDBUF)
        send_buffer = static_cast<std::size_t>(std::max(2 * size_of_buffer, 4608));
    if (level == SOL_SOCKET && name == SO_RCVBUF)
        receive_buffer = static_cast<std::size_t>(std::max(2 * size_of_buffer, 2304));
    // Segments cut by the kernel are not simulated; who asks goes on without.
    if (level == IPPROTO_UDP) return -ENOPROTOOPT;
    options_[{level, name}] = number;
    return 0;
}

void Socket::inherit(const Socket& listener) {
    send_buffer = listener.send_buffer;
    receive_buffer = listener.receive_buffer;
    resets_on_close = listener.resets_on_close;
    options_ = listener.options_;
}

// --- streams -----------------------------------------------------------------------------------

Result StreamSocket::accept(Socket*& accepted) {
    if (phase != Phase::listening) return -EINVAL;
    if (queue_.empty()) {
        if (!blocks(0)) return -EAGAIN;
        if (const Result waited = world().wait([&] { return !queue_.empty(); }); waited < 0)
            return waited;
    }
    accepted = queue_.front();
    queue_.erase(queue_.begin());
    return 0;
}

void StreamSocket::enqueue(StreamSocket& client) {
    queue_.push_back(&client);
    wake(POLLIN);
}

std::uint32_t StreamSocket::may_be_spurious() const {
    if (phase == Phase::listening) return POLLIN;
    return phase == Phase::connected ? POLLIN | POLLOUT : 0;
}

} // namespace pollux::simulated
