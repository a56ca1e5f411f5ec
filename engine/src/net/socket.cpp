#include <pollux/net/socket.hpp>

#include <array>
#include <cerrno>
#include <climits>
#include <pollux/error.hpp>
#include <string>
#include <sys/stat.h>

#include "sys.hpp"

namespace pollux {
namespace {

static_assert(EAGAIN == EWOULDBLOCK);

template <class Call> auto uninterrupted(Call call) noexcept {
    for (;;) {
        const auto result = call();
        if (result >= 0 || errno != EINTR) return result;
    }
}

IoResult failed(int error) noexcept {
    if (error == EAGAIN) return {.bytes = 0, .state = IoState::would_block, .error = 0};
    return {.bytes = 0, .state = IoState::error, .error = error};
}

IoResult moved(ssize_t count) noexcept {
    if (count < 0) return failed(errno);
    return {.bytes = static_cast<std::size_t>(count), .state = IoState::ok, .error = 0};
}

std::error_code errno_unless(bool holds) noexcept {
    return {holds ? 0 : errno, std::generic_category()};
}

// A path in the way is stale if it is a socket and connecting to it is refused. The kernel refuses
// just so for a regular file, so both are asked.
bool is_stale(const Address& address) {
    struct stat status {};
    const std::string path{address.path()};
    if (sys::lstat(path.c_str(), &status) < 0 || !S_ISSOCK(status.st_mode)) return false;
    const ConnectResult result = Socket::open(AF_UNIX).connect(address);
    return result.error == ECONNREFUSED;
}

void bind_to_path(Socket& socket, const Address& address, const ListenOptions& options) {
    // The socket's own mode becomes that of the path in the same step that makes the path, so
    // there is no moment at which others may connect.
    if (options.mode) check(sys::fchmod(socket.fd(), *options.mode), "fchmod", address.to_string());
    if (sys::bind(socket.fd(), address.data(), address.size()) == 0) return;
    const int error = errno;
    if (error != EADDRINUSE || !options.reclaim_path || !is_stale(address))
        throw_system_error(error, "bind", address.to_string());
    const std::string path{address.path()};
    if (sys::unlink(path.c_str()) < 0 && errno != ENOENT)
        throw_system_error(errno, "unlink", address.to_string());
    socket.bind(address);
}

// How each type of value crosses to the kernel and back.
constexpr bool fits(std::int64_t value) noexcept { return value >= 0 && value <= INT_MAX; }
struct ToKernel {
    std::string_view option;

    int operator()(bool value) const noexcept { return value ? 1 : 0; }
    int operator()(int value) const noexcept { return value; }
    template <class Period>
    int operator()(std::chrono::duration<std::int64_t, Period> value) const {
        if (!fits(value.count())) throw_system_error(EINVAL, "setsockopt", option);
        return static_cast<int>(value.count());
    }
    ::linger operator()(const Linger& value) const {
        return {.l_onoff = value ? 1 : 0, .l_linger = value ? operator()(*value) : 0};
    }
};
template <class Value> Value from_kernel(int value) noexcept { return static_cast<Value>(value); }
template <class Value> Value from_kernel(const ::linger& value) noexcept {
    if (value.l_onoff == 0) return std::nullopt;
    return std::chrono::seconds{value.l_linger};
}

} // namespace

Socket Socket::open(int family, int type, int protocol) {
    return Socket{
        Fd{check(sys::socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol), "socket")}};
}

Socket Socket::listen(const Address& address, const ListenOptions& options) {
    Socket socket = open(address.family());
    if (!address.path().empty()) {
        bind_to_path(socket, address, options);
    } else {
        if (address.family() != AF_UNIX) {
            socket.set(option::reuse_address, options.reuse_address);
            socket.set(option::reuse_port, options.reuse_port);
        }
        if (address.family() == AF_INET6) socket.set(option::v6_only, options.v6_only);
        socket.bind(address);
    }
    check(sys::listen(socket.fd(), options.backlog), "listen", address.to_string());
    return socket;
}

std::pair<Socket, Socket> Socket::pair() {
    std::array<int, 2> fds{};
    check(sys::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds.data()),
          "socketpair");
    return {Socket{Fd{fds[0]}}, Socket{Fd{fds[1]}}};
}

Socket Socket::adopt(Fd fd) {
    Socket socket{std::move(fd)};
    static_cast<void>(socket.get(option::type));
    check(sys::fcntl(socket.fd(), F_SETFD, FD_CLOEXEC), "fcntl F_SETFD");
    const int flags = check(sys::fcntl(socket.fd(), F_GETFL, 0), "fcntl F_GETFL");
    check(sys::fcntl(socket.fd(), F_SETFL, flags | O_NONBLOCK), "fcntl F_SETFL");
    return socket;
}

void Socket::bind(const Address& address) {
    if (sys::bind(fd(), address.data(), address.size()) < 0)
        throw_system_error(errno, "bind", address.to_string());
}

Accepted Socket::accept() noexcept {
    const int connection = uninterrupted(
        [&] { return sys::accept4(fd(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC); });
    if (connection < 0) return {.socket = {}, .error = errno};
    return {.socket = Socket{Fd{connection}}, .error = 0};
}

ConnectResult Socket::connect(const Address& address) noexcept {
    if (sys::connect(fd(), address.data(), address.size()) == 0)
        return {.state = ConnectState::connected, .error = 0};
    // An interrupted connect goes on; repeating the call would answer EALREADY.
    if (errno == EINPROGRESS || errno == EINTR)
        return {.state = ConnectState::in_progress, .error = 0};
    return {.state = ConnectState::error, .error = errno};
}

std::error_code Socket::take_error() noexcept {
    int error = 0;
    socklen_t size = sizeof error;
    if (sys::getsockopt(fd(), SOL_SOCKET, SO_ERROR, &error, &size) < 0) error = errno;
    return {error, std::generic_category()};
}

IoResult Socket::read(std::span<std::byte> into) noexcept {
    if (into.empty()) return {};
    // recv(2) is 4 to 5 % cheaper than read(2), send(2) than write(2).
    const ssize_t count =
        uninterrupted([&] { return sys::recv(fd(), into.data(), into.size(), 0); });
    if (count == 0) return {.bytes = 0, .state = IoState::end, .error = 0};
    return moved(count);
}

IoResult Socket::write(ByteView bytes) noexcept {
    if (bytes.empty()) return {};
    return moved(
        uninterrupted([&] { return sys::send(fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL); }));
}

IoResult Socket::write(std::span<const ByteView> pieces) noexcept {
    std::array<iovec, IOV_MAX> vector; // 16 kB, of which only what is used is touched
    std::size_t used = 0;
    for (const ByteView piece : pieces) {
        if (used == vector.size()) break;
        if (!piece.empty())
            vector[used++] = {.iov_base = const_cast<std::byte*>(piece.data()),
                              .iov_len = piece.size()};
    }
    if (used == 0) return {};
    msghdr message{};
    message.msg_iov = vector.data();
    message.msg_iovlen = used;
    return moved(uninterrupted([&] { return sys::sendmsg(fd(), &message, MSG_NOSIGNAL); }));
}

std::error_code Socket::shutdown_read() noexcept {
    return errno_unless(sys::shutdown(fd(), SHUT_RD) == 0);
}

std::error_code Socket::shutdown_write() noexcept {
    return errno_unless(sys::shutdown(fd(), SHUT_WR) == 0);
}

std::error_code Socket::shutdown() noexcept {
    return errno_unless(sys::shutdown(fd(), SHUT_RDWR) == 0);
}

Address Socket::local() const {
    sockaddr_storage storage{};
    auto* const address = reinterpret_cast<sockaddr*>(&storage);
    socklen_t size = sizeof storage;
    check(sys::getsockname(fd(), address, &size), "getsockname");
    return Address::from(address, size);
}

Address Socket::peer() const {
    sockaddr_storage storage{};
    auto* const address = reinterpret_cast<sockaddr*>(&storage);
    socklen_t size = sizeof storage;
    if (sys::getpeername(fd(), address, &size) < 0) {
        if (errno != ENOTCONN) throw_system_error(errno, "getpeername");
        return {};
    }
    return Address::from(address, size);
}

template <class Value>
void Socket::set(const SocketOption<Value>& option, const std::type_identity_t<Value>& value) {
    const auto raw = ToKernel{option.text}(value);
    check(sys::setsockopt(fd(), option.level, option.name, &raw, sizeof raw), "setsockopt",
          option.text);
}

template <class Value> Value Socket::get(const SocketOption<Value>& option) const {
    decltype(ToKernel{{}}(Value{})) raw{};
    socklen_t size = sizeof raw;
    check(sys::getsockopt(fd(), option.level, option.name, &raw, &size), "getsockopt", option.text);
    return from_kernel<Value>(raw);
}

#define POLLUX_OPTION_VALUE(Value)                                                                 \
    template void Socket::set<Value>(const SocketOption<Value>&, const Value&);                    \
    template Value Socket::get<Value>(const SocketOption<Value>&) const;
POLLUX_OPTION_VALUE(bool)
POLLUX_OPTION_VALUE(int)
POLLUX_OPTION_VALUE(std::chrono::seconds)
POLLUX_OPTION_VALUE(std::chrono::milliseconds)
POLLUX_OPTION_VALUE(Linger)
#undef POLLUX_OPTION_VALUE

} // namespace pollux
