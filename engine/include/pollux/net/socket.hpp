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
#include <string>
#include <string_view>
#include <sys/types.h>
#include <system_error>
#include <type_traits>
#include <utility>
#include <vector>

namespace pollux {

struct Accepted;
struct IncomingMessage;
struct OutgoingMessage;

/// How a listening socket is made.
struct ListenOptions {
    int backlog = SOMAXCONN;   ///< Connections that wait to be accepted; the system may cut it.
    bool reuse_address = true; ///< IP: bind although an earlier listener's connections linger.
    bool reuse_port = false;   ///< IP: share the port with other sockets of this user.
    bool v6_only = false;      ///< IPv6: do not serve IPv4 as well. The system's default is
                               ///< overruled.
    bool reclaim_path = true;  ///< Unix: take over the path of a listener that is gone.
    /// Unix: permissions of the path from its first moment, less the process's umask. Whoever
    /// connects needs write permission. Without a value: all that the umask leaves.
    std::optional<mode_t> mode = std::nullopt;
    int type = SOCK_STREAM; ///< Or SOCK_SEQPACKET, of a Unix socket.
    int protocol = 0;       ///< 0: the usual one of family and type.
};

/// How a non-blocking connect went.
enum class ConnectState : std::uint8_t { connected, in_progress, error };
struct ConnectResult {
    ConnectState state = ConnectState::connected;
    int error = 0; ///< An errno value when `state` is `error`; else 0.

    std::error_code error_code() const noexcept { return {error, std::generic_category()}; }
};

/// A datagram that came, or why none did. An empty datagram is `ok` with 0 bytes; `end` does not
/// occur.
struct ReceivedFrom {
    std::size_t bytes = 0; ///< How many were put into the buffer; what did not fit is lost.
    IoState state = IoState::ok;
    int error = 0;          ///< An errno value when `state` is `error`; else 0.
    bool truncated = false; ///< The datagram was longer than the buffer.
    Address from{};         ///< The sender; unnamed when it has no address (Unix, not bound).

    /// `error` for comparison with `std::errc`; false when there is none.
    std::error_code error_code() const noexcept { return {error, std::generic_category()}; }
};

/// An owned socket that never blocks and is closed on exec: streams, listening and connected;
/// datagrams; and every other family, type and protocol the kernel has.
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

    /// A new socket of any family (AF_INET, AF_INET6, AF_UNIX, AF_PACKET, …), type and protocol;
    /// socket(2). Throws what names all three: `socket AF_PACKET SOCK_RAW: Operation not
    /// permitted`. EPERM: raw and packet sockets need CAP_NET_RAW. EPROTONOSUPPORT, EAFNOSUPPORT:
    /// the kernel has not got it, or it does not go together.
    static Socket open(int family, int type = SOCK_STREAM, int protocol = 0);

    /// A socket bound to `address` and listening; socket(2), bind(2), listen(2). Port 0
    /// lets the kernel choose: ask `local`.
    ///
    /// The path of a Unix socket outlives its listener. One that is in the way is removed and
    /// taken over if it is a socket and nobody listens there: connecting is refused. Otherwise
    /// EADDRINUSE stands, and a listener that lives has seen a connection that closes at once.
    /// Between that look and the removal another process may begin to listen: programs that race
    /// to start on one path need a lock of their own.
    static Socket listen(const Address& address, const ListenOptions& options = {});

    /// A datagram socket (UDP or Unix) bound to `address`: what `listen` is for streams. Port 0
    /// lets the kernel choose. A path in the way is EADDRINUSE and stays. What is to be set before
    /// bind(2), such as `option::reuse_address` for a multicast port that others share, needs
    /// `open`, `set` and `bind`.
    static Socket datagram(const Address& bound_to);

    /// Two Unix sockets connected to each other: SOCK_STREAM, SOCK_DGRAM or SOCK_SEQPACKET;
    /// socketpair(2).
    static std::pair<Socket, Socket> pair(int type = SOCK_STREAM);

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

    /// `read` with the flags of recv(2): MSG_PEEK, MSG_OOB, … For streams and sequenced packets,
    /// where 0 bytes are the `end`; of datagrams, an empty one would look the same: `receive_from`.
    IoResult receive(std::span<std::byte> into, int flags = 0) noexcept;

    /// `write` with the flags of send(2): MSG_OOB, MSG_MORE, … The kernel is asked for zero bytes
    /// too: on a connected datagram socket they are an empty datagram. A datagram goes whole or
    /// not at all.
    IoResult send(ByteView bytes, int flags = 0) noexcept;

    /// Takes the next datagram; recvmsg(2). ECONNREFUSED tells that an earlier datagram of a
    /// connected socket found nobody (ICMP): the socket lives on. With MSG_TRUNC among the flags
    /// `bytes` is the length that the datagram had, which may be more than `into` holds.
    ReceivedFrom receive_from(std::span<std::byte> into, int flags = 0) noexcept;

    /// Sends one datagram, which may be empty; sendto(2). It goes whole or not at all. `to` may be
    /// unnamed: whom the socket is connected to. EMSGSIZE: it is too long (65 507 bytes at most
    /// over UDP and IPv4). ECONNREFUSED: as above, and this one was not sent. ENOBUFS: dropped, no
    /// readiness tells when to try again. `would_block`: the socket's own buffer is full, and it
    /// becomes writable; or, of a Unix socket, the receiver's queue is full: a socket that is not
    /// connected is writable all the time then, so do not wait for that, try again after a while.
    IoResult send_to(ByteView bytes, const Address& to, int flags = 0) noexcept;

    /// Sends bytes with what goes beside them: descriptors, credentials, the address to send from;
    /// sendmsg(2). Throws only `std::bad_alloc`. See `OutgoingMessage` in net/message.hpp.
    IoResult send_message(const OutgoingMessage& message, int flags = 0);

    /// Receives bytes, into one buffer or into several one after the other, with what came beside
    /// them; recvmsg(2). Throws only `std::bad_alloc`. See `IncomingMessage` in net/message.hpp.
    IncomingMessage receive_message(std::span<std::byte> into, int flags = 0);
    IncomingMessage receive_message(std::span<const std::span<std::byte>> into, int flags = 0);

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
    template <class Value> Value get(const SocketOption<Value>& option) const {
        return get(ReadOnlyOption<Value>{option.level, option.name, option.text});
    }
    template <class Value> Value get(const ReadOnlyOption<Value>& option) const;

    /// The same for any option as the bytes that the kernel takes and gives, at most `room`. `text`
    /// is what errors call it; without one `level 6 name 13`.
    void set_bytes(int level, int name, ByteView value, std::string_view text = {});
    std::vector<std::byte> get_bytes(int level, int name, std::size_t room = 256,
                                     std::string_view text = {}) const;

    /// Receives what is sent to a multicast group, of IPv4 or IPv6, from now on; MCAST_JOIN_GROUP.
    /// On the interface of that number (`interface_number`); 0: the kernel chooses by its routes.
    /// The group's port does not matter. Throws: EADDRINUSE, joined already; ENODEV, no such
    /// interface, or no route; EINVAL, no group; ENOBUFS, too many groups.
    void join_group(const Address& group, unsigned interface = 0);
    /// Throws EADDRNOTAVAIL when it is not joined there.
    void leave_group(const Address& group, unsigned interface = 0);
    /// Fixes the interface that multicast leaves by; 0 gives the choice back to the routes.
    void set_multicast_interface(unsigned interface);

    /// What the socket was made as (SO_DOMAIN, SO_TYPE, SO_PROTOCOL), and whether it listens
    /// (SO_ACCEPTCONN). Throw.
    int family() const { return get(option::domain); }
    int type() const { return get(option::type); }
    int protocol() const { return get(option::protocol); }
    bool listening() const { return get(option::accepting); }

    /// All of this on one line, for a log: `socket fd=5 AF_INET SOCK_STREAM IPPROTO_TCP
    /// 127.0.0.1:80 -> 127.0.0.1:4711`. Of a listener `… 127.0.0.1:80 listening`; one that owns
    /// nothing reads `socket closed`. What the kernel does not tell is left out.
    std::string to_string() const;

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
