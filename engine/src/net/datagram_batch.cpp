#include <pollux/net/datagram_batch.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <limits>
#include <pollux/net/message.hpp>
#include <stdexcept>

#include "net/outcome.hpp"
#include "sys.hpp"

namespace pollux {
namespace {

constexpr std::size_t most_segments = 64;    // UDP_MAX_SEGMENTS of the older kernels
constexpr std::size_t most_payload = 65'507; // of one UDP datagram over IPv4

bool kernel_segments(const Socket& socket) noexcept {
    int size = 0;
    socklen_t length = sizeof size;
    return sys::getsockopt(socket.fd(), IPPROTO_UDP, UDP_SEGMENT, &size, &length) == 0;
}

// EINVAL: larger than a packet of this route. EIO: its device computes no checksums.
bool refuses_to_segment(const IoResult& result) noexcept {
    return result.error == EINVAL || result.error == EIO || result.error == EMSGSIZE ||
           result.error == EOPNOTSUPP;
}

std::size_t room_for(std::size_t count, std::size_t bytes_each) {
    if (count == 0) throw std::invalid_argument{"DatagramBatch: no room for a datagram"};
    if (bytes_each > std::numeric_limits<std::size_t>::max() / count)
        throw std::length_error{"DatagramBatch: too many bytes"};
    return count * bytes_each;
}

IoResult send_segmented(Socket& socket, ByteView bytes, std::uint16_t bytes_each,
                        const Address& to) {
    const std::size_t count = std::clamp<std::size_t>(most_payload / bytes_each, 1, most_segments);
    const std::array pieces{bytes.first(std::min(bytes.size(), count * bytes_each))};
    return socket.send_message({.pieces = pieces, .to = to, .segment_size = bytes_each});
}

} // namespace

DatagramBatch::DatagramBatch(std::size_t count, std::size_t bytes_each)
    : bytes_each_{bytes_each},
      buffer_(room_for(count, bytes_each)),
      senders_(count),
      pieces_(count),
      headers_(count),
      received_(count) {}

ReceivedBatch DatagramBatch::receive(Socket& socket, int flags) noexcept {
    for (std::size_t place = 0; place < capacity(); ++place) {
        pieces_[place] = {.iov_base = buffer_.data() + place * bytes_each_, .iov_len = bytes_each_};
        headers_[place] = {};
        msghdr& header = headers_[place].msg_hdr;
        header.msg_name = &senders_[place];
        header.msg_namelen = sizeof(sockaddr_storage);
        header.msg_iov = &pieces_[place];
        header.msg_iovlen = 1;
    }
    const int count = uninterrupted([&] {
        return sys::recvmmsg(socket.fd(), headers_.data(), static_cast<unsigned>(capacity()), flags,
                             nullptr);
    });
    const IoResult result = moved(count);
    if (result.state != IoState::ok) return {.state = result.state, .error = result.error};
    for (std::size_t place = 0; place < result.bytes; ++place) {
        const auto& [header, length] = headers_[place];
        received_[place] = {.bytes = {buffer_.data() + place * bytes_each_,
                                      std::min<std::size_t>(length, bytes_each_)},
                            .from = Address::from(reinterpret_cast<sockaddr*>(&senders_[place]),
                                                  header.msg_namelen),
                            .truncated = (header.msg_flags & MSG_TRUNC) != 0};
    }
    return {.datagrams = std::span{received_}.first(result.bytes)};
}

SentBatch DatagramBatch::send(Socket& socket, std::span<const OutgoingDatagram> datagrams,
                              int flags) noexcept {
    const std::size_t wanted = std::min(datagrams.size(), capacity());
    if (wanted == 0) return {};
    for (std::size_t place = 0; place < wanted; ++place) {
        const OutgoingDatagram& datagram = datagrams[place];
        pieces_[place] = {.iov_base = const_cast<std::byte*>(datagram.bytes.data()),
                          .iov_len = datagram.bytes.size()};
        headers_[place] = {};
        msghdr& header = headers_[place].msg_hdr;
        header.msg_iov = &pieces_[place];
        header.msg_iovlen = 1;
        if (datagram.to.unnamed()) continue;
        header.msg_name = const_cast<sockaddr*>(datagram.to.data());
        header.msg_namelen = datagram.to.size();
    }
    const IoResult result = moved(uninterrupted([&] {
        return sys::sendmmsg(socket.fd(), headers_.data(), static_cast<unsigned>(wanted),
                             flags | MSG_NOSIGNAL);
    }));
    return {.count = result.bytes, .state = result.state, .error = result.error};
}

IoResult DatagramBatch::send_segments(Socket& socket, ByteView bytes, std::uint16_t bytes_each,
                                      const Address& to) {
    if (bytes_each == 0) return failed(EINVAL);
    bool by_kernel = kernel_segments(socket);
    std::size_t sent = 0;
    while (sent < bytes.size()) {
        const ByteView rest = bytes.subspan(sent);
        const IoResult step = by_kernel ? send_segmented(socket, rest, bytes_each, to)
                                        : send_cut(socket, rest, bytes_each, to);
        if (by_kernel && refuses_to_segment(step)) {
            by_kernel = false;
            continue;
        }
        if (step.state != IoState::ok && sent == 0) return step;
        if (step.state != IoState::ok) break;
        sent += step.bytes;
    }
    return {.bytes = sent};
}

IoResult DatagramBatch::send_cut(Socket& socket, ByteView bytes, std::size_t bytes_each,
                                 const Address& to) {
    std::vector<OutgoingDatagram> datagrams;
    for (ByteView rest = bytes; !rest.empty() && datagrams.size() < capacity();
         rest = rest.subspan(datagrams.back().bytes.size()))
        datagrams.push_back({.bytes = rest.first(std::min(rest.size(), bytes_each)), .to = to});
    const SentBatch went = send(socket, datagrams);
    return {.bytes = std::min(bytes.size(), went.count * bytes_each),
            .state = went.state,
            .error = went.error};
}

} // namespace pollux
