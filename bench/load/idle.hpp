#pragma once

#include "options.hpp"

namespace load {

/// Opens the connections and says "ready" when the server has accepted all, as far as can be told;
/// holds them until standard input ends, and says how many of them the server has closed. More than
/// one process or one address can have are shared with child processes, which end with this one.
/// Throws `Failure`.
void open_and_hold(const Options& options);

} // namespace load
