#pragma once

#include "options.hpp"

#include <pollux/net/socket.hpp>
#include <string>

namespace demos {

/// Loopback's own broadcast address.
inline constexpr const char* broadcast_host = "127.255.255.255";

/// Options of broadcast_sender and broadcast_receiver: a multicast group instead of a broadcast
/// address.
struct Multicast {
    std::string group;
    std::string interface = "lo";

    void add_to(Options& options);
    /// The group with that address' port; the address when there is no group.
    pollux::Address address(const pollux::Address& broadcast) const;
    explicit operator bool() const { return !group.empty(); }
};

} // namespace demos
