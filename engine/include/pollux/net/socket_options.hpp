#pragma once

#include <chrono>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <optional>
#include <string_view>
#include <sys/socket.h>

namespace pollux {

/// What SO_LINGER says about closing: nothing is the kernel's own way, which goes on sending in
/// the background; zero seconds closes at once with a reset and drops what was not sent. More than
/// zero makes close(2) wait for the peer, even on a non-blocking socket: not for a loop.
using Linger = std::optional<std::chrono::seconds>;

/// An option of a socket and the type of its value, for `Socket::set` and `Socket::get`. The
/// value is a `bool`, an `int`, `std::chrono::seconds`, `std::chrono::milliseconds`,
/// `std::chrono::microseconds` (the kernel's `timeval`) or `Linger`; options that are not listed
/// here can be made the same way, or be set as bare bytes (`Socket::set_bytes`). Of one that the
/// kernel does not know, or not for this socket, both throw ENOPROTOOPT (now and then EOPNOTSUPP).
template <class Value> struct SocketOption {
    int level;
    int name;
    std::string_view text; ///< What errors call it.
};

/// One that can only be asked for: `Socket::set` does not take it. The value may also be a
/// `tcp_info` or a `ucred`.
template <class Value> struct ReadOnlyOption {
    int level;
    int name;
    std::string_view text; ///< What errors call it.
};

/// The options of socket(7), ip(7), ipv6(7), tcp(7), udp(7).
namespace option {

using Flag = SocketOption<bool>;
using Number = SocketOption<int>;
using Seconds = SocketOption<std::chrono::seconds>;
using Milliseconds = SocketOption<std::chrono::milliseconds>;
using Microseconds = SocketOption<std::chrono::microseconds>;

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
/// Always 1: Linux answers ENOPROTOOPT to whoever sets it.
inline constexpr ReadOnlyOption<int> send_low_water{SOL_SOCKET, SO_SNDLOWAT, "SO_SNDLOWAT"};
/// How long a call on a *blocking* duplicate of the socket may wait; zero: for ever. The calls of
/// `Socket` never wait; `BlockingSocket` has a time-out of its own.
inline constexpr Microseconds receive_timeout{SOL_SOCKET, SO_RCVTIMEO, "SO_RCVTIMEO"};
inline constexpr Microseconds send_timeout{SOL_SOCKET, SO_SNDTIMEO, "SO_SNDTIMEO"};
inline constexpr SocketOption<Linger> linger{SOL_SOCKET, SO_LINGER, "SO_LINGER"};
/// Leaves urgent data in the stream, instead of apart from it for MSG_OOB.
inline constexpr Flag urgent_inline{SOL_SOCKET, SO_OOBINLINE, "SO_OOBINLINE"};
/// The queueing discipline's class, 0 to 6 for anybody.
inline constexpr Number priority{SOL_SOCKET, SO_PRIORITY, "SO_PRIORITY"};
/// The processor that took the last packet; set, it is a hint for SO_REUSEPORT groups. -1: none.
inline constexpr Number incoming_cpu{SOL_SOCKET, SO_INCOMING_CPU, "SO_INCOMING_CPU"};

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
/// Of a listener: takes data in the first packet of a client it knows; so many may wait for their
/// handshake. RFC 7413; the system may have it switched off (net.ipv4.tcp_fastopen), silently.
inline constexpr Number fast_open{IPPROTO_TCP, TCP_FASTOPEN, "TCP_FASTOPEN"};
/// Of a client: `connect` answers at once, and the first `write` takes its data along.
inline constexpr Flag fast_open_connect{IPPROTO_TCP, TCP_FASTOPEN_CONNECT, "TCP_FASTOPEN_CONNECT"};
/// In bytes, the largest segment; before connecting it bounds what the peer will send.
inline constexpr Number max_segment{IPPROTO_TCP, TCP_MAXSEG, "TCP_MAXSEG"};

/// Probes a peer that says nothing for `keep_idle`, every `keep_interval`; after `keep_count`
/// without an answer the connection fails with ETIMEDOUT.
inline constexpr Flag keep_alive{SOL_SOCKET, SO_KEEPALIVE, "SO_KEEPALIVE"};
inline constexpr Seconds keep_idle{IPPROTO_TCP, TCP_KEEPIDLE, "TCP_KEEPIDLE"};
inline constexpr Seconds keep_interval{IPPROTO_TCP, TCP_KEEPINTVL, "TCP_KEEPINTVL"};
inline constexpr Number keep_count{IPPROTO_TCP, TCP_KEEPCNT, "TCP_KEEPCNT"};
/// How long sent data may stay unacknowledged before the connection fails; zero: the system's.
inline constexpr Milliseconds user_timeout{IPPROTO_TCP, TCP_USER_TIMEOUT, "TCP_USER_TIMEOUT"};

/// Lets a datagram socket send to a broadcast address; without it that is EACCES.
inline constexpr Flag broadcast{SOL_SOCKET, SO_BROADCAST, "SO_BROADCAST"};
/// Hops that a packet may make, 1 to 255; for multicast 0 stays on this machine, and 1 is the
/// default, which stays on the network. -1 is the system's default.
inline constexpr Number ttl{IPPROTO_IP, IP_TTL, "IP_TTL"};
inline constexpr Number v6_hops{IPPROTO_IPV6, IPV6_UNICAST_HOPS, "IPV6_UNICAST_HOPS"};
inline constexpr Number multicast_ttl{IPPROTO_IP, IP_MULTICAST_TTL, "IP_MULTICAST_TTL"};
inline constexpr Number v6_multicast_hops{IPPROTO_IPV6, IPV6_MULTICAST_HOPS, "IPV6_MULTICAST_HOPS"};
/// Whether what this socket sends to a group reaches members on this machine; on by default.
inline constexpr Flag multicast_loop{IPPROTO_IP, IP_MULTICAST_LOOP, "IP_MULTICAST_LOOP"};
inline constexpr Flag v6_multicast_loop{IPPROTO_IPV6, IPV6_MULTICAST_LOOP, "IPV6_MULTICAST_LOOP"};
/// The interface's number that multicast leaves by. For IPv4 see `Socket::set_multicast_interface`.
inline constexpr Number v6_multicast_interface{IPPROTO_IPV6, IPV6_MULTICAST_IF,
                                               "IPV6_MULTICAST_IF"};
/// Whether the socket receives what any socket of this machine has joined (the default), or only
/// what it has joined itself.
inline constexpr Flag multicast_all{IPPROTO_IP, IP_MULTICAST_ALL, "IP_MULTICAST_ALL"};
/// Type of service and traffic class: the eight bits of a packet's header.
inline constexpr Number type_of_service{IPPROTO_IP, IP_TOS, "IP_TOS"};
inline constexpr Number v6_traffic_class{IPPROTO_IPV6, IPV6_TCLASS, "IPV6_TCLASS"};
/// IP_PMTUDISC_DO and its kin: whether packets may be cut on their way.
inline constexpr Number path_mtu_discovery{IPPROTO_IP, IP_MTU_DISCOVER, "IP_MTU_DISCOVER"};
/// Keeps ICMP errors, for `receive_message` with MSG_ERRQUEUE.
inline constexpr Flag receive_errors{IPPROTO_IP, IP_RECVERR, "IP_RECVERR"};
inline constexpr Flag v6_receive_errors{IPPROTO_IPV6, IPV6_RECVERR, "IPV6_RECVERR"};
/// In bytes: the kernel cuts what is sent into datagrams of this size. 0: it does not.
inline constexpr Number udp_segment{IPPROTO_UDP, UDP_SEGMENT, "UDP_SEGMENT"};
/// Lets the kernel join datagrams of one size and sender; `IncomingMessage::segment_size` says the
/// size.
inline constexpr Flag udp_join{IPPROTO_UDP, UDP_GRO, "UDP_GRO"};

/// What comes along with each message, see `IncomingMessage`: how many datagrams the full queue
/// dropped so far, when the packet came (microseconds, nanoseconds), which of our addresses it was
/// sent to, and who sent it (Unix).
inline constexpr Flag count_drops{SOL_SOCKET, SO_RXQ_OVFL, "SO_RXQ_OVFL"};
inline constexpr Flag timestamp{SOL_SOCKET, SO_TIMESTAMP, "SO_TIMESTAMP"};
inline constexpr Flag timestamp_nanoseconds{SOL_SOCKET, SO_TIMESTAMPNS, "SO_TIMESTAMPNS"};
inline constexpr Flag packet_path{IPPROTO_IP, IP_PKTINFO, "IP_PKTINFO"};
inline constexpr Flag v6_packet_path{IPPROTO_IPV6, IPV6_RECVPKTINFO, "IPV6_RECVPKTINFO"};
inline constexpr Flag pass_credentials{SOL_SOCKET, SO_PASSCRED, "SO_PASSCRED"};

/// Getting `error` takes it: `take_error`.
inline constexpr ReadOnlyOption<int> error{SOL_SOCKET, SO_ERROR, "SO_ERROR"};
inline constexpr ReadOnlyOption<int> type{SOL_SOCKET, SO_TYPE, "SO_TYPE"}; ///< SOCK_STREAM, …
inline constexpr ReadOnlyOption<int> domain{SOL_SOCKET, SO_DOMAIN, "SO_DOMAIN"}; ///< AF_INET, …
inline constexpr ReadOnlyOption<int> protocol{SOL_SOCKET, SO_PROTOCOL, "SO_PROTOCOL"};
inline constexpr ReadOnlyOption<bool> accepting{SOL_SOCKET, SO_ACCEPTCONN,
                                                "SO_ACCEPTCONN"}; ///< A listener?
/// In bytes: the largest packet on the way to the peer of a connected socket; else ENOTCONN.
inline constexpr ReadOnlyOption<int> path_mtu{IPPROTO_IP, IP_MTU, "IP_MTU"};
/// What the kernel knows of a connection: state, round trip, losses, windows. What an older kernel
/// does not fill is zero.
inline constexpr ReadOnlyOption<::tcp_info> tcp_info{IPPROTO_TCP, TCP_INFO, "TCP_INFO"};
/// Who was at the other end of a connected Unix socket when it was connected. Process 0 and user
/// -1: nobody is.
inline constexpr ReadOnlyOption<ucred> peer_credentials{SOL_SOCKET, SO_PEERCRED, "SO_PEERCRED"};

} // namespace option
} // namespace pollux
