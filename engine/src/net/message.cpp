#include <pollux/net/message.hpp>

#include <algorithm>
#include <array>
#include <climits>
#include <cstring>
#include <sys/time.h>

#include "net/outcome.hpp"
#include "sys.hpp"

namespace pollux {
namespace {

constexpr std::size_t most_descriptors = 253; // SCM_MAX_FD of the kernel

template <class Value> ByteView bytes_in(const Value& value) noexcept {
    return std::as_bytes(std::span{&value, 1});
}

// Control messages one behind the other, as the kernel wants them.
class ControlBytes {
public:
    void append(int level, int type, ByteView bytes) {
        const std::size_t start = bytes_.size();
        bytes_.resize(start + CMSG_SPACE(bytes.size()));
        cmsghdr header{};
        header.cmsg_len = CMSG_LEN(bytes.size());
        header.cmsg_level = level;
        header.cmsg_type = type;
        std::memcpy(bytes_.data() + start, &header, sizeof(cmsghdr));
        std::copy(bytes.begin(), bytes.end(), bytes_.data() + start + CMSG_LEN(0));
    }
    void attach_to(msghdr& message) noexcept {
        message.msg_control = bytes_.empty() ? nullptr : bytes_.data();
        message.msg_controllen = bytes_.size();
    }

private:
    std::vector<std::byte> bytes_;
};

void append_source(ControlBytes& control, const PacketPath& from) {
    if (from.address.family() == AF_INET6) {
        sockaddr_in6 address{};
        std::memcpy(&address, from.address.data(), sizeof address);
        const in6_pktinfo source{.ipi6_addr = address.sin6_addr, .ipi6_ifindex = from.interface};
        return control.append(IPPROTO_IPV6, IPV6_PKTINFO, bytes_in(source));
    }
    in_pktinfo source{};
    source.ipi_ifindex = static_cast<int>(from.interface);
    if (from.address.family() == AF_INET) {
        sockaddr_in address{};
        std::memcpy(&address, from.address.data(), sizeof address);
        source.ipi_spec_dst = address.sin_addr;
    }
    control.append(IPPROTO_IP, IP_PKTINFO, bytes_in(source));
}

ControlBytes control_of(const OutgoingMessage& message) {
    ControlBytes control;
    if (!message.descriptors.empty())
        control.append(SOL_SOCKET, SCM_RIGHTS, std::as_bytes(message.descriptors));
    if (message.credentials)
        control.append(SOL_SOCKET, SCM_CREDENTIALS, bytes_in(*message.credentials));
    if (message.from) append_source(control, *message.from);
    if (message.segment_size)
        control.append(IPPROTO_UDP, UDP_SEGMENT, bytes_in(*message.segment_size));
    for (const ControlMessage& other : message.others)
        control.append(other.level, other.type, other.bytes);
    return control;
}

// Descriptors are owned before anything else is done: what is thrown later closes them.
struct ReceivedDescriptors {
    std::array<Fd, most_descriptors> owned{};
    std::size_t count = 0;

    void take(ByteView numbers) noexcept {
        for (; numbers.size() >= sizeof(int); numbers = numbers.subspan(sizeof(int))) {
            int fd = -1;
            std::memcpy(&fd, numbers.data(), sizeof fd);
            if (count < owned.size()) owned.at(count++).reset(fd);
        }
    }
};

template <class Value> bool read_value(ByteView bytes, Value& value) noexcept {
    if (bytes.size() < sizeof value) return false;
    std::memcpy(&value, bytes.data(), sizeof value);
    return true;
}

template <class Value> bool read_value(ByteView bytes, std::optional<Value>& value) noexcept {
    if (Value whole{}; read_value(bytes, whole)) value = whole;
    return value.has_value();
}

template <class Kind> Address address_of(Kind address) {
    return Address::from(reinterpret_cast<const sockaddr*>(&address), sizeof address);
}

bool take_of_socket(int type, ByteView bytes, IncomingMessage& into) {
    using namespace std::chrono;
    timespec time{};
    timeval coarse_time{};
    switch (type) {
    case SCM_CREDENTIALS:
        return read_value(bytes, into.credentials);
    case SO_RXQ_OVFL:
        return read_value(bytes, into.drops);
    case SCM_TIMESTAMPNS:
        if (!read_value(bytes, time)) return false;
        into.time.emplace(seconds{time.tv_sec} + nanoseconds{time.tv_nsec});
        return true;
    case SCM_TIMESTAMP:
        if (!read_value(bytes, coarse_time)) return false;
        into.time.emplace(seconds{coarse_time.tv_sec} + microseconds{coarse_time.tv_usec});
        return true;
    default:
        return false;
    }
}

bool take_of_protocol(int level, int type, ByteView bytes, IncomingMessage& into) {
    if (level == IPPROTO_IP && type == IP_PKTINFO) {
        in_pktinfo path{};
        if (!read_value(bytes, path)) return false;
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr = path.ipi_addr;
        into.path = {address_of(address), static_cast<unsigned>(path.ipi_ifindex)};
        return true;
    }
    if (level == IPPROTO_IPV6 && type == IPV6_PKTINFO) {
        in6_pktinfo path{};
        if (!read_value(bytes, path)) return false;
        sockaddr_in6 address{};
        address.sin6_family = AF_INET6;
        address.sin6_addr = path.ipi6_addr;
        into.path = {address_of(address), path.ipi6_ifindex};
        return true;
    }
    int size = 0;
    if (level != IPPROTO_UDP || type != UDP_GRO || !read_value(bytes, size)) return false;
    into.segment_size = static_cast<std::uint16_t>(size);
    return true;
}

template <class Act> void for_each_control(msghdr& message, Act act) {
    for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr;
         header = CMSG_NXTHDR(&message, header))
        act(*header, ByteView{reinterpret_cast<const std::byte*>(CMSG_DATA(header)),
                              header->cmsg_len - CMSG_LEN(0)});
}

bool carries_descriptors(const cmsghdr& header) noexcept {
    return header.cmsg_level == SOL_SOCKET && header.cmsg_type == SCM_RIGHTS;
}

void take_control(msghdr& message, IncomingMessage& into) {
    ReceivedDescriptors received;
    for_each_control(message, [&](const cmsghdr& header, ByteView bytes) {
        if (carries_descriptors(header)) received.take(bytes);
    });
    for_each_control(message, [&](const cmsghdr& header, ByteView bytes) {
        const int level = header.cmsg_level;
        const int type = header.cmsg_type;
        const bool taken = carries_descriptors(header) ||
                           (level == SOL_SOCKET ? take_of_socket(type, bytes, into)
                                                : take_of_protocol(level, type, bytes, into));
        if (!taken) into.others.push_back({level, type, {bytes.begin(), bytes.end()}});
    });
    into.descriptors.reserve(received.count);
    std::move(received.owned.begin(), received.owned.begin() + received.count,
              std::back_inserter(into.descriptors));
}

// Only of a datagram socket is nothing an empty message.
bool ends_with_nothing(int fd) noexcept {
    int type = 0;
    socklen_t size = sizeof type;
    return sys::getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 &&
           (type == SOCK_STREAM || type == SOCK_SEQPACKET);
}

} // namespace

IoResult Socket::send_message(const OutgoingMessage& outgoing, int flags) {
    std::vector<iovec> pieces;
    pieces.reserve(outgoing.pieces.size());
    for (const ByteView piece : outgoing.pieces)
        pieces.push_back(
            {.iov_base = const_cast<std::byte*>(piece.data()), .iov_len = piece.size()});
    ControlBytes control = control_of(outgoing);
    msghdr message{};
    if (!outgoing.to.unnamed()) {
        message.msg_name = const_cast<sockaddr*>(outgoing.to.data());
        message.msg_namelen = outgoing.to.size();
    }
    message.msg_iov = pieces.data();
    message.msg_iovlen = pieces.size();
    control.attach_to(message);
    return moved(uninterrupted([&] { return sys::sendmsg(fd(), &message, flags | MSG_NOSIGNAL); }));
}

IncomingMessage Socket::receive_message(std::span<std::byte> into, int flags) {
    return receive_message(std::span<const std::span<std::byte>>{&into, 1}, flags);
}

IncomingMessage Socket::receive_message(std::span<const std::span<std::byte>> into, int flags) {
    std::vector<iovec> pieces;
    pieces.reserve(into.size());
    std::size_t room = 0;
    for (const std::span<std::byte> piece : into) {
        pieces.push_back({.iov_base = piece.data(), .iov_len = piece.size()});
        room += piece.size();
    }
    sockaddr_storage from{};
    alignas(cmsghdr) std::array<std::byte, 2048> control;
    msghdr message{};
    message.msg_name = &from;
    message.msg_namelen = sizeof from;
    message.msg_iov = pieces.data();
    message.msg_iovlen = pieces.size();
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    const IoResult result = moved(
        uninterrupted([&] { return sys::recvmsg(fd(), &message, flags | MSG_CMSG_CLOEXEC); }));
    IncomingMessage incoming{.bytes = result.bytes, .state = result.state, .error = result.error};
    if (result.state != IoState::ok) return incoming;
    take_control(message, incoming);
    incoming.truncated = (message.msg_flags & MSG_TRUNC) != 0;
    incoming.control_truncated = (message.msg_flags & MSG_CTRUNC) != 0;
    incoming.end_of_record = (message.msg_flags & MSG_EOR) != 0;
    incoming.from = Address::from(reinterpret_cast<sockaddr*>(&from), message.msg_namelen);
    // A report of the error queue has none of the stream's bytes.
    const bool is_report = (message.msg_flags & MSG_ERRQUEUE) != 0;
    if (result.bytes == 0 && room > 0 && !is_report && ends_with_nothing(fd()))
        incoming.state = IoState::end;
    return incoming;
}

} // namespace pollux
