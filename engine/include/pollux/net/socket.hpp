#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <pollux/bytes.hpp>
#include <pollux/fd.hpp>
#include <pollux/net/address.hpp>
#include <pollux/net/io_result.hpp>
#include <pollux/net/socket_options.hpp>
#include <span>
#include <sys/types.h>
#include <system_error>
#include <type_traits>
#include <utility>

namespace pollux {

struct Accepted;

/// How a listening socket is made.
struct ListenOptions {
    int backlog = SOMAXCONN;      ///< Connections that wait to be accepted; the system may cut it.
    bool reuse_address = true;    ///< IP: bind although an earlier listener's connections linger.
    bool reuse_port = false;      ///< IP: share the port with other sockets of this user.
    bool v6_only = false;         ///< IPv6: do not serve IPv4 as well. The system's default is
                                  ///< overruled.
    bool reclaim_path = true;     ///< Unix: take over the path of a listener that is gone.
    std::optional<mode_t> mode{}; ///< Unix: permissions of the path, less the process's umask;
                                  ///< never wider for a moment. Linux asks for write permission.
};

/// How a non-blocking connect went.
enum class ConnectState : std::uint8_t { connected, in_progress, error };
struct ConnectResult {
    ConnectState state = ConnectState::connected;
    int error = 0; ///< An errno value when `state` is `error`; else 0.

    std::error_code error_code() const noexcept { return {error, std::generic_category()}; }
};

/// An owned socket that never blocks and is closed on exec: TCP and Unix streams, listening and
/// connected.
///
/// Setting up throws `std::system_error` that names the call and its object; the expected states
/// of a stream are values. No call here reports EINTR: it is repeated. No call raises SIGPIPE. A
/// socket that owns nothing (made without arguments, closed, moved from) answers EBADF.
///
/// It has no lock: two threads may use one socket at once only as far as the kernel calls allow,
/// and none may close it meanwhile.
class Socket {
public:
    /// Owns nothing.
    Socket() noexcept = default;

    /// A new socket; socket(2).
    static Socket open(int family, int type = SOCK_STREAM, int protocol = 0);

    /// A stream socket bound to `address` and listening; socket(2), bind(2), listen(2). Port 0
    /// lets the kernel choose: ask `local`.
    ///
    /// The path of a Unix socket outlives its listener. One that is in the way is removed and
    /// taken over if it is a socket and nobody listens there: connecting is refused. Otherwise
    /// EADDRINUSE stands, and a listener that lives has seen a connection that closes at once.
    /// Between that look and the removal another process may begin to listen: programs that race
    /// to start on one path need a lock of their own.
    static Socket listen(const Address& address, const ListenOptions& options = {});

    /// Two Unix stream sockets connected to each other; socketpair(2).
    static std::pair<Socket, Socket> pair();

    /// Takes over a descriptor made elsewhere and makes it non-blocking and close-on-exec. Throws
    /// ENOTSOCK for what is no socket; the descriptor is closed then. The open file is shared by
    /// its duplicates, so they do not block any more either.
    static Socket adopt(Fd fd);

    /// Gives the descriptor to the caller.
    Fd release() noexcept { return std::move(fd_); }
    void close() noexcept { fd_.reset(); }
    int fd() const noexcept { return fd_.get(); }
    explicit operator bool() const noexcept { return static_cast<bool>(fd_); }

    /// Fixes the socket's own address before it connects; bind(2).
    void bind(const Address& address);

    /// Takes the next connection from the queue of a listening socket; accept4(2). Never throws,
    /// since each error asks for another answer of the caller: EAGAIN, the queue is empty;
    /// ECONNABORTED and the network's own errors, try again; EMFILE, ENFILE, ENOBUFS, ENOMEM,
    /// wait, because the connection stays in the queue and the listener stays readable.
    Accepted accept() noexcept;

    /// Begins to connect; connect(2). In progress: the socket becomes writable when it is done,
    /// and `take_error` tells how. EAGAIN is a Unix listener whose queue is full: nothing is in
    /// progress and no readiness will tell, so try again after a while. After any error use a new
    /// socket.
    ConnectResult connect(const Address& address) noexcept;

    /// The error waiting at the socket, false if none; getsockopt(2) SO_ERROR. Taking it is
    /// consuming it: the read that would have failed with it then sees the end of the stream.
    std::error_code take_error() noexcept;

    /// Reads at most `into.size()` bytes of a stream; recv(2). A size of zero is `ok` with 0
    /// bytes, without asking the kernel. A reset is reported as an error once; reading on then
    /// gives `end`.
    IoResult read(std::span<std::byte> into) noexcept;

    /// Writes from the front of `bytes` as much as the kernel takes now; send(2). Zero bytes are
    /// `ok`, without asking the kernel. EPIPE and ECONNRESET are errors, and so is ENOBUFS, which
    /// passes by itself but is announced by no readiness.
    IoResult write(ByteView bytes) noexcept;

    /// The same for pieces that need not be joined first; sendmsg(2). Of more than IOV_MAX
    /// (1024) pieces the first IOV_MAX that are not empty are taken.
    IoResult write(std::span<const ByteView> pieces) noexcept;

    /// Ends one direction of a connection, or both; shutdown(2). `shutdown_write` tells the peer
    /// that nothing more comes, after what was written. ENOTCONN: the connection is gone already.
    std::error_code shutdown_read() noexcept;
    std::error_code shutdown_write() noexcept;
    std::error_code shutdown() noexcept;

    /// Where the socket is bound; getsockname(2). Throws.
    Address local() const;
    /// Whom it is connected to; getpeername(2). Unnamed when it is not connected, which a peer can
    /// bring about at any moment by a reset, and for a Unix client that did not bind. Throws
    /// otherwise.
    Address peer() const;

    /// `socket.set(option::no_delay, true)`; setsockopt(2). Throws; EINVAL also for a duration
    /// that the option cannot hold.
    template <class Value>
    void set(const SocketOption<Value>& option, const std::type_identity_t<Value>& value);
    template <class Value> Value get(const SocketOption<Value>& option) const;

private:
    explicit Socket(Fd fd) noexcept : fd_{std::move(fd)} {}

    Fd fd_;
};

/// What `Socket::accept` gives: a connection, or why there is none.
struct Accepted {
    Socket socket; ///< Non-blocking and close-on-exec, whatever the listener is.
    int error = 0; ///< An errno value; 0 when there is a connection. EAGAIN: nothing waits.

    std::error_code error_code() const noexcept { return {error, std::generic_category()}; }
};

} // namespace pollux
