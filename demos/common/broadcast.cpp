#include "broadcast.hpp"

#include <arpa/inet.h>
#include <cstring>
#include <netinet/in.h>
#include <stdexcept>

namespace demos {

using namespace pollux;

namespace {

// 224.0.0.0/4 or ff00::/8
bool is_group(const Address& address) {
    if (address.family() == AF_INET) {
        sockaddr_in v4{};
        std::memcpy(&v4, address.data(), sizeof v4);
        return IN_MULTICAST(ntohl(v4.sin_addr.s_addr));
    }
    sockaddr_in6 v6{};
    if (address.family() == AF_INET6) std::memcpy(&v6, address.data(), sizeof v6);
    return v6.sin6_addr.s6_addr[0] == 0xff;
}

} // namespace

void Multicast::add_to(Options& options) {
    options.text("--multicast", group, "a group such as 239.1.2.3 or ff02::77, instead of --host");
    options.text("--interface", interface, "interface of the group");
}

Address Multicast::address(const Address& broadcast) const {
    if (!*this) return broadcast;
    const Address address = Address::of(group, broadcast.port());
    if (!is_group(address)) throw std::invalid_argument{"--multicast " + group + ": is no group"};
    // Most groups of IPv6 are those of one interface, which is a part of the address.
    if (address.family() != AF_INET6 || group.find('%') != std::string::npos) return address;
    return Address::of(group + '%' + interface, broadcast.port());
}

} // namespace demos
