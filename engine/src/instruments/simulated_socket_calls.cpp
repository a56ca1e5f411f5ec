#include <algorithm>
#include <cstring>
#include <netinet/in.h>
#include <stdexcept>

#include "instruments/datagram_socket.hpp"
#include "instruments/simulated_kernel.hpp"
#include "instruments/tcp_socket.hpp"
#include "instruments/unix_socket.hpp"

namespace pollux::simulated {
namespace {

Writable writable(void* buffer, std::size_t size) {
    return {static_cast<std::byte*>(buffer), size};
}
ByteView view(const void* buffer, std::size_t size) {
    return {static_cast<const std::byte*>(buffer), size};
}

template <class Act> Result with_address(const sockaddr* address, socklen_t size, Act act) {
    try {
        return act(Address::from(address, size));
    } catch (const std::invalid_argument&) {
        return -EINVAL;
    }
}

// As the kernel gives names: cut to the room there is, with the whole size beside it.
void give_name(const Address& name, int family, sockaddr* into, socklen_t* size) {
    if (into == nullptr || size == nullptr) return;
    sockaddr_storage storage{};
    storage.ss_family = static_cast<sa_family_t>(family);
    socklen_t whole = family == AF_INET    ? sizeof(sockaddr_in)
                      : family == AF_INET6 ? sizeof(sockaddr_in6)
                                           : sizeof(sa_family_t);
    if (!name.unnamed()) {
        whole = name.size();
        std::memcpy(&storage, name.data(), whole);
    }
    std::memcpy(into, &storage, std::min(*size, whole));
    *size = whole;
}

bool is_non_blocking(int type) { return (type & SOCK_NONBLOCK) != 0; }
constexpr int kind_of(int type) { return type & ~(SOCK_NONBLOCK | SOCK_CLOEXEC); }

} // namespace

int SimulatedKernel::socket(int family, int type, int protocol) noexcept {
    return static_cast<int>(call("socket", -1, [&]() -> Result {
        const int kind = kind_of(type);
        const bool inet = family == AF_INET || family == AF_INET6;
        if (!inet && family != AF_UNIX) return -EAFNOSUPPORT;
        if (protocol != 0 && protocol != (kind == SOCK_STREAM ? IPPROTO_TCP : IPPROTO_UDP))
            return -EPROTONOSUPPORT;
        if (kind == SOCK_DGRAM)
            return open_file(world_.make<DatagramSocket>(family), is_non_blocking(type));
        if (kind != SOCK_STREAM) return -ESOCKTNOSUPPORT;
        if (inet) return open_file(world_.make<TcpSocket>(family), is_non_blocking(type));
        return open_file(world_.make<UnixSocket>(), is_non_blocking(type));
    }));
}

int SimulatedKernel::socketpair(int family, int type, int protocol, int* fds) noexcept {
    static_cast<void>(protocol);
    return static_cast<int>(call("socketpair", -1, [&]() -> Result {
        if (family != AF_UNIX) return -EOPNOTSUPP;
        const auto open_both = [&](auto& one, auto& other) -> Result {
            one.join(one, other);
            const Result first = open_file(one, is_non_blocking(type));
            const Result second = first < 0 ? first : open_file(other, is_non_blocking(type));
            if (second < 0 && first >= 0) world_.close(static_cast<int>(first));
            if (second < 0) return second;
            fds[0] = static_cast<int>(first);
            fds[1] = static_cast<int>(second);
            return 0;
        };
        if (kind_of(type) == SOCK_STREAM)
            return open_both(world_.make<UnixSocket>(), world_.make<UnixSocket>());
        if (kind_of(type) == SOCK_DGRAM)
            return open_both(world_.make<DatagramSocket>(AF_UNIX),
                             world_.make<DatagramSocket>(AF_UNIX));
        return -ESOCKTNOSUPPORT;
    }));
}

int SimulatedKernel::bind(int fd, const sockaddr* address, socklen_t size) noexcept {
    return static_cast<int>(on_socket("bind", fd, [&](Socket& socket) {
        return with_address(address, size, [&](const Address& name) { return socket.bind(name); });
    }));
}

int SimulatedKernel::listen(int fd, int backlog) noexcept {
    return static_cast<int>(
        on_socket("listen", fd, [&](Socket& socket) { return socket.listen(backlog); }));
}

int SimulatedKernel::accept4(int fd, sockaddr* address, socklen_t* size, int flags) noexcept {
    return static_cast<int>(on_socket("accept4", fd, [&](Socket& socket) -> Result {
        // The kernel finds out that there is no descriptor left before it looks into the queue.
        Socket* accepted = nullptr;
        if (!world_.has_descriptor()) return -EMFILE;
        if (const Result result = socket.accept(accepted); result < 0) return result;
        give_name(accepted->peer_name, socket.family, address, size);
        return open_file(*accepted, (flags & SOCK_NONBLOCK) != 0);
    }));
}

int SimulatedKernel::connect(int fd, const sockaddr* address, socklen_t size) noexcept {
    return static_cast<int>(on_socket("connect", fd, [&](Socket& socket) {
        return with_address(address, size, [&](const Address& to) { return socket.connect(to); });
    }));
}

int SimulatedKernel::shutdown(int fd, int how) noexcept {
    return static_cast<int>(
        on_socket("shutdown", fd, [&](Socket& socket) { return socket.shutdown(how); }));
}

int SimulatedKernel::getsockname(int fd, sockaddr* address, socklen_t* size) noexcept {
    return static_cast<int>(on_socket("getsockname", fd, [&](Socket& socket) -> Result {
        give_name(socket.local, socket.family, address, size);
        return 0;
    }));
}

int SimulatedKernel::getpeername(int fd, sockaddr* address, socklen_t* size) noexcept {
    return static_cast<int>(on_socket("getpeername", fd, [&](Socket& socket) -> Result {
        if (!socket.has_peer()) return -ENOTCONN;
        give_name(socket.peer_name, socket.family, address, size);
        return 0;
    }));
}

int SimulatedKernel::getsockopt(int fd, int level, int name, void* value,
                                socklen_t* size) noexcept {
    return static_cast<int>(on_socket("getsockopt", fd, [&](Socket& socket) {
        return socket.get_option(level, name, value, size);
    }));
}

int SimulatedKernel::setsockopt(int fd, int level, int name, const void* value,
                                socklen_t size) noexcept {
    return static_cast<int>(on_socket("setsockopt", fd, [&](Socket& socket) {
        return socket.set_option(level, name, value, size);
    }));
}

// --- bytes -------------------------------------------------------------------------------------

ssize_t SimulatedKernel::recv(int fd, void* buffer, std::size_t size, int flags) noexcept {
    return on_socket("recv", fd,
                     [&](Socket& socket) { return socket.read(writable(buffer, size), flags); });
}

ssize_t SimulatedKernel::send(int fd, const void* buffer, std::size_t size, int flags) noexcept {
    return on_socket("send", fd, [&](Socket& socket) {
        return socket.send(view(buffer, size), flags, nullptr);
    });
}

ssize_t SimulatedKernel::sendto(int fd, const void* buffer, std::size_t size, int flags,
                                const sockaddr* address, socklen_t address_size) noexcept {
    return on_socket("sendto", fd, [&](Socket& socket) {
        if (address == nullptr) return socket.send(view(buffer, size), flags, nullptr);
        return with_address(address, address_size, [&](const Address& to) {
            return socket.send(view(buffer, size), flags, &to);
        });
    });
}

Result SimulatedKernel::receive_message(Socket& socket, msghdr& message, int flags) {
    std::size_t room = 0;
    for (std::size_t piece = 0; piece < message.msg_iovlen; ++piece)
        room += message.msg_iov[piece].iov_len;
    std::vector<std::byte> bytes(room);
    Envelope envelope;
    const Result count = socket.receive(bytes, flags & ~MSG_CMSG_CLOEXEC, envelope);
    if (count < 0) return count;
    std::size_t given = 0;
    const auto all = std::min(static_cast<std::size_t>(count), room);
    for (std::size_t piece = 0; piece < message.msg_iovlen && given < all; ++piece) {
        const std::size_t part = std::min(message.msg_iov[piece].iov_len, all - given);
        std::memcpy(message.msg_iov[piece].iov_base, bytes.data() + given, part);
        given += part;
    }
    message.msg_controllen = 0;
    message.msg_flags = envelope.whole_size > room ? MSG_TRUNC : 0;
    socklen_t size = message.msg_namelen;
    message.msg_namelen = 0;
    if (envelope.from.unnamed()) return count;
    give_name(envelope.from, socket.family, static_cast<sockaddr*>(message.msg_name), &size);
    message.msg_namelen = size;
    return count;
}

Result SimulatedKernel::send_message(Socket& socket, const msghdr& message, int flags) {
    if (message.msg_controllen > 0) return -EOPNOTSUPP; // nothing travels beside the bytes
    std::string bytes;
    for (std::size_t piece = 0; piece < message.msg_iovlen; ++piece)
        bytes.append(static_cast<const char*>(message.msg_iov[piece].iov_base),
                     message.msg_iov[piece].iov_len);
    if (message.msg_name == nullptr) return socket.send(bytes_of(bytes), flags, nullptr);
    return with_address(
        static_cast<const sockaddr*>(message.msg_name), message.msg_namelen,
        [&](const Address& to) { return socket.send(bytes_of(bytes), flags, &to); });
}

ssize_t SimulatedKernel::recvmsg(int fd, msghdr* message, int flags) noexcept {
    return on_socket("recvmsg", fd,
                     [&](Socket& socket) { return receive_message(socket, *message, flags); });
}

ssize_t SimulatedKernel::sendmsg(int fd, const msghdr* message, int flags) noexcept {
    return on_socket("sendmsg", fd,
                     [&](Socket& socket) { return send_message(socket, *message, flags); });
}

// An error after the first message is told by the next call.
int SimulatedKernel::recvmmsg(int fd, mmsghdr* messages, unsigned count, int flags,
                              timespec* /*timeout*/) noexcept {
    return static_cast<int>(on_socket("recvmmsg", fd, [&](Socket& socket) -> Result {
        unsigned done = 0;
        for (; done < count; ++done) {
            const int more = done == 0 ? flags : flags | MSG_DONTWAIT;
            const Result result = receive_message(socket, messages[done].msg_hdr, more);
            if (result < 0 && done == 0) return result;
            if (result < 0) break;
            messages[done].msg_len = static_cast<unsigned>(result);
        }
        return done;
    }));
}

int SimulatedKernel::sendmmsg(int fd, mmsghdr* messages, unsigned count, int flags) noexcept {
    return static_cast<int>(on_socket("sendmmsg", fd, [&](Socket& socket) -> Result {
        unsigned done = 0;
        for (; done < count; ++done) {
            const Result result = send_message(socket, messages[done].msg_hdr, flags);
            if (result < 0 && done == 0) return result;
            if (result < 0) break;
            messages[done].msg_len = static_cast<unsigned>(result);
        }
        return done;
    }));
}

} // namespace pollux::simulated
