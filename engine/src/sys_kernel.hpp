#pragma once

// What the calls of `pollux_hooked` reach in the end: the kernel, or what stands in its place for
// one thread.

#include <chrono>

#include "sys.hpp"

namespace pollux {

/// One virtual function for each call of sys_calls.inc. This class makes the call; with a
/// FakeClock, on its time.
class Kernel {
public:
    Kernel() = default;
    virtual ~Kernel() = default;
    Kernel(const Kernel&) = delete;
    Kernel& operator=(const Kernel&) = delete;

#define POLLUX_CALL(result, name, parameters, arguments) virtual result name parameters noexcept;
#define POLLUX_TIMED_CALL POLLUX_CALL
#include "sys_calls.inc"
#undef POLLUX_CALL
#undef POLLUX_TIMED_CALL

    /// So much time passes.
    virtual void pass(std::chrono::nanoseconds delay) noexcept;
};

/// The one that calls of this thread reach.
Kernel& kernel() noexcept;

Kernel& real_kernel() noexcept;

/// Puts another in its place for this thread; null: the real one. Returns the one that was there.
Kernel* replace_kernel(Kernel* by) noexcept;

} // namespace pollux
