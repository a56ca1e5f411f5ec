#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <pollux/bytes.hpp>
#include <pollux/net/address.hpp>
#include <pollux/net/socket.hpp>
#include <span>
#include <string_view>
#include <utility>

namespace pollux {

/// A socket whose calls wait until they are done, for programs that have no loop: scripts, tests,
/// clients that do one thing. Never use it on the thread of a loop.
///
/// What fails throws `std::system_error` that names the call and the socket; a call that takes
/// longer than the time-out throws ETIMEDOUT, and the socket is as it was: what had been sent or
/// received by then stays so. The end of a stream is a value. A signal does not end a call, nor
/// does it prolong it.
///
/// Underneath is a non-blocking `Socket` and ppoll(2). No lock; one thread at a time.
class BlockingSocket {
public:
    /// How long a call may take; nothing: for ever. Zero: not at all, what is not there is missed.
    using Timeout = std::optional<std::chrono::nanoseconds>;

    /// Owns nothing: calls throw EBADF.
    BlockingSocket() noexcept = default;
    explicit BlockingSocket(Socket socket, Timeout timeout = std::nullopt) noexcept
        : socket_{std::move(socket)}, timeout_{timeout} {}

    /// A stream socket connected to `address`, with that time-out for connecting and from then on.
    static BlockingSocket connected_to(const Address& address, Timeout timeout = std::nullopt);

    /// The same to a host by name (`resolve`): its addresses are tried one after the other, the
    /// time-out is for each, and the error is that of the last. The look-up itself may take longer:
    /// getaddrinfo(3) knows no time-out. Programs with a loop race them: `HostConnector`.
    static BlockingSocket connected_to(std::string_view host, std::string_view service,
                                       Timeout timeout = std::nullopt);

    /// From the next call on.
    void set_timeout(Timeout timeout) noexcept { timeout_ = timeout; }
    Timeout timeout() const noexcept { return timeout_; }

    /// The socket underneath: its options and addresses, `shutdown_write`, the descriptor.
    Socket& socket() noexcept { return socket_; }
    const Socket& socket() const noexcept { return socket_; }
    /// Gives it to the caller.
    Socket release() noexcept { return std::move(socket_); }
    void close() noexcept { socket_.close(); }

    /// Connects; connect(2). Waits also while the queue of a Unix listener is full. After a failure
    /// use a new socket.
    void connect(const Address& address);

    /// The next connection of a listening socket, with the time-out of this one. A connection that
    /// was given up while it waited is passed over. Throws EMFILE and its kin; the connection
    /// stays in the queue.
    BlockingSocket accept();

    /// What there is of a stream, at least one byte; 0: the stream has ended, or `into` is empty.
    std::size_t receive(std::span<std::byte> into, int flags = 0);

    /// Fills all of `into`. Fewer bytes: the stream has ended behind them. The time-out is for the
    /// whole; when it throws, how much had been received is not known any more.
    std::size_t receive_exactly(std::span<std::byte> into);

    /// Sends a part from the front, at least one byte, and tells how much.
    std::size_t send(ByteView bytes, int flags = 0);

    /// Sends everything. The time-out is for the whole; when it throws, how much had been sent is
    /// not known.
    void send_all(ByteView bytes);

    /// The next datagram, which may be empty; its `state` is always `ok`. As
    /// `Socket::receive_from`.
    ReceivedFrom receive_from(std::span<std::byte> into, int flags = 0);

    /// Sends one datagram; as `Socket::send_to`. Waits also while the queue of a Unix receiver is
    /// full.
    void send_to(ByteView bytes, const Address& to, int flags = 0);

private:
    Socket socket_;
    Timeout timeout_;
};

} // namespace pollux
