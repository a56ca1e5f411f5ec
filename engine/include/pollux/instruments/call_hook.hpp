#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>

// Instruments of the library `pollux_hooked` alone: a program that uses them and links `pollux`
// does not link.

namespace pollux {

/// A system call about to be made.
struct CallPoint {
    std::string_view name; ///< "epoll_wait", "accept4", …; "new" for an allocation.
    std::uint64_t nth;     ///< 1 for the first call of this kind since the hook was set.
    int fd;                ///< The first argument where that is an int; else -1.
};

/// What a hook decides about a call.
struct CallOutcome {
    int error = 0; ///< Not zero: fail with this errno, as the call fails that gives it, and make no
                   ///< call. getaddrinfo(3) and getnameinfo(3) take an `EAI_` number too.
    std::optional<std::int64_t> result{}; ///< Return this, make no call.
    std::optional<std::size_t> at_most{}; ///< Make the call with its sizes cut to this. Of messages
                                          ///< in a batch: so many.
    bool made_first = false; ///< With `error`: make the call and then fail. Where it fails by
                             ///< itself, that is its answer.
    bool spurious = false;   ///< A wait answers at once that all is ready that was asked about.
    std::chrono::nanoseconds delay{}; ///< Before anything else; on the clock of a `FakeClock` or a
                                      ///< `Simulation`, where there is one.

    /// Nothing is changed, but for a delay.
    bool leaves_alone() const { return error == 0 && !result && !at_most && !spurious; }
};

/// While it lives, every system call of the library asks it first. Set while no other thread uses
/// the library; it is called on the thread that makes the call. It must not throw. It may itself
/// use the library, and is not asked about that. Of several all are asked, the latest first, and
/// the first that decides anything has decided; they end in the reverse order.
class CallHook {
public:
    using Function = std::function<CallOutcome(const CallPoint&)>;
    explicit CallHook(Function decide);
    ~CallHook();
    CallHook(const CallHook&) = delete;
    CallHook& operator=(const CallHook&) = delete;

private:
    struct State;
    std::unique_ptr<State> state_;
};

/// For the `operator new` of a program whose allocations are to be asked about, as calls named
/// "new". True: it has to throw `std::bad_alloc`.
bool is_allocation_refused() noexcept;

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
