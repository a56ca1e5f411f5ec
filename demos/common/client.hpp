#pragma once

#include <pollux/stream/connection_set.hpp>
#include <string>

namespace demos {

/// More than this waits to be sent: time to read no more of what is to follow.
inline constexpr std::size_t much_waits = std::size_t{256} * 1024;

/// How connections of a client behave that sends what a person or a file says: it goes on reading
/// while the server does not, since else each might wait for the other; `on_drain` tells when to
/// go on sending.
pollux::ConnectionOptions client_options(pollux::Trigger trigger);

/// Why a connection ended, for a message to people.
std::string to_text(const pollux::Closed& closed);

} // namespace demos
