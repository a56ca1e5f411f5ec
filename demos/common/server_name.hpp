#pragma once

#include <optional>
#include <pollux/net/address.hpp>
#include <string>

namespace demos {

/// A server as its clients name it: by an address, or by a host that has to be looked up.
struct ServerName {
    /// Throws `std::invalid_argument` when `host` is neither a name nor an address, and when the
    /// port is missing. Looks nothing up.
    static ServerName of(const std::string& host, int port);

    std::string host;
    std::string service;                    ///< The port, in digits.
    std::optional<pollux::Address> address; ///< Empty for a name.

    /// For messages: the address, or the name alone.
    std::string to_string() const { return address ? address->to_string() : host; }
    /// For a program of datagrams, which has nothing else to do yet: the first address of that
    /// name. Blocks. Throws `std::system_error`.
    pollux::Address look_up_and_wait() const;
};

} // namespace demos
