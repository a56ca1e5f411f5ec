#include "broadcast.hpp"

namespace demos {

using namespace pollux;

void Multicast::add_to(Options& options) {
    options.text("--multicast", group, "a group such as 239.1.2.3 or ff02::77, instead of --host");
    options.text("--interface", interface, "interface of the group");
}

Address Multicast::address(const Address& broadcast) const {
    if (!*this) return broadcast;
    const Address address = Address::of(group, broadcast.port());
    // Most groups of IPv6 are those of one interface, which is a part of the address.
    if (address.family() != AF_INET6 || group.find('%') != std::string::npos) return address;
    return Address::of(group + '%' + interface, broadcast.port());
}

} // namespace demos
