#include <pollux/net/names.hpp>

#include <arpa/inet.h>
#include <array>
#include <cstdint>
#include <netinet/in.h>
#include <span>
#include <string_view>
#include <sys/socket.h>

namespace pollux {
namespace {

struct Named {
    int number;
    std::string_view name;
};

std::string name_of(int number, std::span<const Named> names) {
    for (const Named& named : names)
        if (named.number == number) return std::string{named.name};
    return std::to_string(number);
}

constexpr std::array families{
    Named{AF_UNSPEC, "AF_UNSPEC"},       Named{AF_UNIX, "AF_UNIX"},
    Named{AF_INET, "AF_INET"},           Named{AF_INET6, "AF_INET6"},
    Named{AF_PACKET, "AF_PACKET"},       Named{AF_NETLINK, "AF_NETLINK"},
    Named{AF_VSOCK, "AF_VSOCK"},         Named{AF_CAN, "AF_CAN"},
    Named{AF_BLUETOOTH, "AF_BLUETOOTH"}, Named{AF_ALG, "AF_ALG"},
    Named{AF_TIPC, "AF_TIPC"},           Named{AF_QIPCRTR, "AF_QIPCRTR"},
};

constexpr std::array types{
    Named{SOCK_STREAM, "SOCK_STREAM"},
    Named{SOCK_DGRAM, "SOCK_DGRAM"},
    Named{SOCK_RAW, "SOCK_RAW"},
    Named{SOCK_RDM, "SOCK_RDM"},
    Named{SOCK_SEQPACKET, "SOCK_SEQPACKET"},
};

constexpr int multipath_tcp = 262; // IPPROTO_MPTCP, which older headers lack

constexpr std::array ip_protocols{
    Named{IPPROTO_ICMP, "IPPROTO_ICMP"},       Named{IPPROTO_TCP, "IPPROTO_TCP"},
    Named{IPPROTO_UDP, "IPPROTO_UDP"},         Named{IPPROTO_ICMPV6, "IPPROTO_ICMPV6"},
    Named{IPPROTO_SCTP, "IPPROTO_SCTP"},       Named{IPPROTO_DCCP, "IPPROTO_DCCP"},
    Named{IPPROTO_UDPLITE, "IPPROTO_UDPLITE"}, Named{IPPROTO_RAW, "IPPROTO_RAW"},
    Named{IPPROTO_IGMP, "IPPROTO_IGMP"},       Named{multipath_tcp, "IPPROTO_MPTCP"},
};

} // namespace

std::string family_name(int family) { return name_of(family, families); }

std::string type_name(int type) { return name_of(type & ~(SOCK_NONBLOCK | SOCK_CLOEXEC), types); }

std::string protocol_name(int family, int protocol) {
    if (family == AF_INET || family == AF_INET6) return name_of(protocol, ip_protocols);
    if (family != AF_PACKET) return std::to_string(protocol);
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text = "0x";
    const unsigned ether_type = ntohs(static_cast<std::uint16_t>(protocol));
    for (int shift = 12; shift >= 0; shift -= 4) text += digits[(ether_type >> shift) & 15];
    return text;
}

} // namespace pollux
