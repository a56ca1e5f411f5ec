#pragma once

#include <span>

#include "options.hpp"
#include "result.hpp"
#include "socket.hpp"

namespace load {

/// Sends on every connection as fast as the server takes it until the goal is reached, ends each
/// stream, and waits until the server has closed each: only then has it read everything. A
/// connection counts as one request, its latency is that of the whole upload. Throws `Failure`.
Result upload(const Options& options, std::span<const Fd> sockets, const Goal& goal);

} // namespace load
