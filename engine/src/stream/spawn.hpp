#pragma once

#include <pollux/fd.hpp>
#include <pollux/stream/child.hpp>
#include <sys/types.h>

namespace pollux {

/// A process, and our ends of its pipes, which do not block.
struct Spawned {
    pid_t pid = -1;
    Fd input;
    Fd output;
    Fd errors;
};

/// Starts a program. Throws as the constructor of `Child`.
Spawned spawn(const ChildOptions& options);

} // namespace pollux
