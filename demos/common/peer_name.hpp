#pragma once

#include <pollux/stream/connection.hpp>
#include <string>
#include <system_error>

namespace demos {

/// The peer's address as text. One that has reset its connection already has none: `gone`.
inline std::string peer_name(const pollux::Connection& connection) {
    try {
        return connection.peer().to_string();
    } catch (const std::system_error&) {
        return "gone";
    }
}

} // namespace demos
