#pragma once

#include <chrono>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <optional>
#include <string_view>
#include <sys/socket.h>

namespace pollux {

/// What SO_LINGER says about closing: nothing is the kernel's own way, which goes on sending in
/// the background; zero seconds closes at once with a reset and drops what was not sent. More than
/// zero makes close(2) wait for the peer, even on a non-blocking socket: not for a loop.
using Linger = std::optional<std::chrono::seconds>;

/// An option of a socket and the type of its value, for `Socket::set` and `Socket::get`. The
/// value is a `bool`, an `int`, `std::chrono::seconds`, `std::chrono::milliseconds` or `Linger`;
/// options that are not listed here can be made the same way.
template <class Value> struct SocketOption {
    int level;
    int name;
    std::string_view text; ///< What errors call it.
};

/// The options of socket(7), tcp(7), ipv6(7) that a stream needs.
namespace option {

using Flag = SocketOption<bool>;
using Number = SocketOption<int>;
using Seconds = SocketOption<std::chrono::seconds>;
using Milliseconds = SocketOption<std::chrono::milliseconds>;

/// Binds although connections of an earlier listener linger in TIME_WAIT.
inline constexpr Flag reuse_address{SOL_SOCKET, SO_REUSEADDR, "SO_REUSEADDR"};
/// Lets sockets of one user share a port, each with its own queue. Closing one resets the
/// connections in its queue.
inline constexpr Flag reuse_port{SOL_SOCKET, SO_REUSEPORT, "SO_REUSEPORT"};
/// IPv6 only; otherwise a socket bound to `[::]` serves IPv4 too. Before bind.
inline constexpr Flag v6_only{IPPROTO_IPV6, IPV6_V6ONLY, "IPV6_V6ONLY"};

/// In bytes. Linux doubles what is set, for its own book-keeping, within limits of the system: what
/// `get` gives is not what was `set`. Setting it also ends the automatic growth of a TCP buffer.
inline constexpr Number send_buffer{SOL_SOCKET, SO_SNDBUF, "SO_SNDBUF"};
inline constexpr Number receive_buffer{SOL_SOCKET, SO_RCVBUF, "SO_RCVBUF"};
/// In bytes: with fewer the socket is not reported readable, unless the stream has ended.
inline constexpr Number receive_low_water{SOL_SOCKET, SO_RCVLOWAT, "SO_RCVLOWAT"};
inline constexpr SocketOption<Linger> linger{SOL_SOCKET, SO_LINGER, "SO_LINGER"};

/// Sends small writes at once instead of waiting for acknowledgements (Nagle's algorithm).
inline constexpr Flag no_delay{IPPROTO_TCP, TCP_NODELAY, "TCP_NODELAY"};
/// Holds back what does not fill a packet, for 200 ms at most, until it is set to false.
inline constexpr Flag cork{IPPROTO_TCP, TCP_CORK, "TCP_CORK"};
/// Acknowledges at once, for now: the kernel goes back to delaying by itself.
inline constexpr Flag quick_ack{IPPROTO_TCP, TCP_QUICKACK, "TCP_QUICKACK"};
/// A listener reports a connection only when its first data came, or after this time; rounded by
/// the kernel to its steps of retransmission.
inline constexpr Seconds defer_accept{IPPROTO_TCP, TCP_DEFER_ACCEPT, "TCP_DEFER_ACCEPT"};
/// In bytes: with more not yet sent, the socket is not reported writable. Less stands in the
/// kernel's queue that can no longer be reordered or dropped.
inline constexpr Number unsent_low_water{IPPROTO_TCP, TCP_NOTSENT_LOWAT, "TCP_NOTSENT_LOWAT"};

/// Probes a peer that says nothing for `keep_idle`, every `keep_interval`; after `keep_count`
/// without an answer the connection fails with ETIMEDOUT.
inline constexpr Flag keep_alive{SOL_SOCKET, SO_KEEPALIVE, "SO_KEEPALIVE"};
inline constexpr Seconds keep_idle{IPPROTO_TCP, TCP_KEEPIDLE, "TCP_KEEPIDLE"};
inline constexpr Seconds keep_interval{IPPROTO_TCP, TCP_KEEPINTVL, "TCP_KEEPINTVL"};
inline constexpr Number keep_count{IPPROTO_TCP, TCP_KEEPCNT, "TCP_KEEPCNT"};
/// How long sent data may stay unacknowledged before the connection fails; zero: the system's.
inline constexpr Milliseconds user_timeout{IPPROTO_TCP, TCP_USER_TIMEOUT, "TCP_USER_TIMEOUT"};

/// Only to `get`; the kernel refuses to set them. Getting `error` takes it: `take_error`.
inline constexpr Number error{SOL_SOCKET, SO_ERROR, "SO_ERROR"};
inline constexpr Number type{SOL_SOCKET, SO_TYPE, "SO_TYPE"};                ///< SOCK_STREAM, …
inline constexpr Flag accepting{SOL_SOCKET, SO_ACCEPTCONN, "SO_ACCEPTCONN"}; ///< A listener?

} // namespace option
} // namespace pollux
