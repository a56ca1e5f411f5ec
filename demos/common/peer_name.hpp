#pragma once

#include <pollux/stream/connection.hpp>
#include <string>
#include <system_error>

namespace demos {

/// The peer's address. That of a peer who has reset the connection already is unnamed.
inline pollux::Address peer_of(const pollux::Connection& connection) {
    try {
        return connection.peer();
    } catch (const std::system_error&) {
        return {};
    }
}

inline std::string peer_name(const pollux::Connection& connection) {
    return peer_of(connection).to_string();
}

} // namespace demos
