#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <pollux/bytes.hpp>
#include <pollux/net/address.hpp>
#include <pollux/net/io_result.hpp>
#include <pollux/net/socket.hpp>
#include <span>
#include <sys/socket.h>
#include <sys/uio.h>
#include <system_error>
#include <vector>

namespace pollux {

/// One of the datagrams that came together.
struct ReceivedDatagram {
    ByteView bytes{};
    Address from{};         ///< Unnamed when the sender has no address.
    bool truncated = false; ///< It was longer than `bytes`; the rest is lost.
};

/// What `DatagramBatch::receive` received: `ok` and at least one datagram, or none and why.
struct ReceivedBatch {
    /// They are the batch's, until it receives again.
    std::span<const ReceivedDatagram> datagrams{};
    IoState state = IoState::ok; ///< Never `end`.
    int error = 0;               ///< An errno value when `state` is `error`; else 0.

    /// `error` for comparison with `std::errc`; false when there is none.
    std::error_code error_code() const noexcept { return {error, std::generic_category()}; }
};

/// One of the datagrams to send together.
struct OutgoingDatagram {
    ByteView bytes{};
    Address to{}; ///< Unnamed: whom the socket is connected to.
};

/// How many datagrams went, from the front.
struct SentBatch {
    std::size_t count = 0; ///< More than 0 only when `ok`; 0 and `ok` when there were none.
    IoState state = IoState::ok;
    int error = 0; ///< Why the first did not go, an errno value when `state` is `error`; else 0.

    /// `error` for comparison with `std::errc`; false when there is none.
    std::error_code error_code() const noexcept { return {error, std::generic_category()}; }
};

/// Buffers for many datagrams, to receive or to send them with one system call. It belongs to no
/// socket and may serve many of one thread. All memory is had when it is made.
class DatagramBatch {
public:
    /// Room for `count` datagrams, of at most `bytes_each` where they are received. The kernel
    /// takes at most 1024 at once. Throws `std::invalid_argument` when `count` is zero, and
    /// `std::length_error` or `std::bad_alloc` when there cannot be so much memory.
    DatagramBatch(std::size_t count, std::size_t bytes_each);

    std::size_t capacity() const noexcept { return headers_.size(); }

    /// Takes the datagrams that wait now, as many as there is room for; recvmmsg(2). Fewer than
    /// `capacity` need not mean that none is left: an error ends a batch, and the next call
    /// reports it. With MSG_PEEK all are the same datagram. Errors are those of
    /// `Socket::receive_from`.
    ReceivedBatch receive(Socket& socket, int flags = 0) noexcept;

    /// Sends the datagrams in order, at most `capacity` of them; sendmmsg(2). Each goes whole or
    /// not at all. When fewer went than were given, send the rest: that call tells what was wrong
    /// with the first of them. Errors are those of `Socket::send_to`. They may be views of what
    /// was received.
    SentBatch send(Socket& socket, std::span<const OutgoingDatagram> datagrams,
                   int flags = 0) noexcept;

    /// Sends a large buffer as datagrams of `bytes_each`, the last one perhaps shorter, to `to` or,
    /// unnamed, to whom the socket is connected to. The kernel cuts it (UDP_SEGMENT, up to 64 in
    /// one call) where it can; else this does, with sendmmsg(2). Tells how many bytes went; they
    /// end between two datagrams. EINVAL for zero `bytes_each`; otherwise as `send`. Throws only
    /// `std::bad_alloc`.
    IoResult send_segments(Socket& socket, ByteView bytes, std::uint16_t bytes_each,
                           const Address& to = {});

private:
    IoResult send_cut(Socket& socket, ByteView bytes, std::size_t bytes_each, const Address& to);

    std::size_t bytes_each_;
    std::vector<std::byte> buffer_;
    std::vector<sockaddr_storage> senders_;
    std::vector<iovec> pieces_;
    std::vector<mmsghdr> headers_;
    std::vector<ReceivedDatagram> received_;
};

} // namespace pollux
