#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>

// Instruments of the library `pollux_hooked` alone: a program that uses them and links `pollux`
// does not link.

namespace pollux {

/// A system call about to be made.
struct CallPoint {
    std::string_view name; ///< "epoll_wait", "accept4", …
    std::uint64_t nth;     ///< 1 for the first call of this kind since the hook was set.
    int fd;                ///< The first argument where that is an int; else -1.
};

/// What a hook decides about a call.
struct CallOutcome {
    int error = 0;                        ///< Not zero: fail with this errno, make no call.
    std::optional<std::int64_t> result{}; ///< Return this, make no call.
    std::optional<std::size_t> at_most{}; ///< Make the call with its sizes cut to this.
};

/// While it lives, every system call of the library asks it first. One at a time, set while no
/// other thread uses the library; it is called on the thread that makes the call. It must not
/// throw. It may itself use the library, and is not asked about that.
class CallHook {
public:
    using Function = std::function<CallOutcome(const CallPoint&)>;
    explicit CallHook(Function decide);
    ~CallHook();
    CallHook(const CallHook&) = delete;
    CallHook& operator=(const CallHook&) = delete;
};

/// While it lives, `Clock` stands still but for `advance`, and a wait that finds nothing ready
/// passes its whole timeout on this clock at once instead of sleeping: timers of hours are tested
/// in no time. A wait without timeout still sleeps.
class FakeClock {
public:
    FakeClock();
    ~FakeClock();
    FakeClock(const FakeClock&) = delete;
    FakeClock& operator=(const FakeClock&) = delete;

    void advance(std::chrono::nanoseconds by);
};

} // namespace pollux
