#pragma once

#include <cstddef>
#include <string>

namespace load {

/// How many connections wait to be accepted at this port of this machine, as /proc/net/tcp and tcp6
/// say (proc_pid_net(5)); zero too when nobody listens that can be seen from here.
std::size_t waiting_in_listen_queue(unsigned port);

/// The same, of the text of such a file.
std::size_t waiting_in_listen_queue(const std::string& table, unsigned port);

} // namespace load
