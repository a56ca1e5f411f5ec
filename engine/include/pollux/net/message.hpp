#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <pollux/bytes.hpp>
#include <pollux/fd.hpp>
#include <pollux/net/address.hpp>
#include <pollux/net/io_result.hpp>
#include <pollux/net/socket.hpp>
#include <span>
#include <sys/socket.h>
#include <system_error>
#include <vector>

namespace pollux {

/// Our side of a datagram's way: the address that it was sent to, or shall be sent from, and the
/// number of the interface (`interface_name`; 0: unknown, or the kernel's choice).
struct PacketPath {
    Address address{}; ///< Its port is always 0.
    unsigned interface = 0;
};

/// A control message that has no member of its own, as the kernel takes and gives it; cmsg(3).
struct ControlMessage {
    int level = 0;
    int type = 0;
    std::vector<std::byte> bytes{};
};

/// What `Socket::send_message` sends. It only looks at memory that is the caller's.
///
///     const std::array pieces{bytes_of("log file")};
///     const std::array descriptors{file.get()};
///     socket.send_message({.pieces = pieces, .descriptors = descriptors});
struct OutgoingMessage {
    std::span<const ByteView> pieces{}; ///< Sent one after the other; at most IOV_MAX (1024).
    Address to{};                       ///< Unnamed: whom the socket is connected to.

    /// Unix: the receiver gets duplicates, at most 253; these stay open here. On a stream they go
    /// with the first byte, so there must be one.
    std::span<const int> descriptors{};
    /// Unix: who sends. The kernel lets only the privileged lie (EPERM).
    std::optional<ucred> credentials{};
    /// IP: send from this address of ours and by this interface. The path of a datagram that came
    /// to one address only may be given here as it is, to answer from where one was asked. EINVAL
    /// for a multicast address. To choose the interface alone, over IPv6, give the address
    /// `[::]:0`.
    std::optional<PacketPath> from{};
    /// UDP: the kernel cuts the bytes into datagrams of this size, at most 64. A kernel without
    /// this may send one datagram: ask `option::udp_segment` first. `DatagramBatch` does.
    std::optional<std::uint16_t> segment_size{};
    std::span<const ControlMessage> others{};
};

/// What `Socket::receive_message` received, or why it did not. What comes beside the bytes must be
/// asked for with the option that is named; descriptors always come.
struct IncomingMessage {
    std::size_t bytes = 0; ///< With MSG_TRUNC what there was, which may be more than there is room.
    IoState state = IoState::ok; ///< `end` only for streams and sequenced packets.
    int error = 0;               ///< An errno value when `state` is `error`; else 0.

    bool truncated = false; ///< The datagram was longer than the buffers; the rest is lost.
    /// Something beside the bytes is missing: this process had no room for more descriptors
    /// (EMFILE), or more came than 2 kB hold. The descriptors that did come are in `descriptors`.
    bool control_truncated = false;
    bool end_of_record = false; ///< MSG_EOR, of sequenced packets.
    Address from{};             ///< The sender of a datagram; unnamed where there is none.

    std::vector<Fd> descriptors{};               ///< Owned, and close-on-exec.
    std::optional<ucred> credentials{};          ///< option::pass_credentials
    std::optional<PacketPath> path{};            ///< option::packet_path, option::v6_packet_path
    std::optional<std::uint32_t> drops{};        ///< option::count_drops: of this socket, modulo
                                                 ///< 2^32. Nothing when none was dropped yet.
    std::optional<std::uint16_t> segment_size{}; ///< option::udp_join: the bytes are datagrams of
                                                 ///< this size, the last may be shorter.
    /// option::timestamp, option::timestamp_nanoseconds: when the packet came, by the time of day.
    std::optional<std::chrono::sys_time<std::chrono::nanoseconds>> time{};
    /// All the rest. If it holds descriptors (SCM_PIDFD), nobody closes them.
    std::vector<ControlMessage> others{};

    /// `error` for comparison with `std::errc`; false when there is none.
    std::error_code error_code() const noexcept { return {error, std::generic_category()}; }
};

} // namespace pollux
