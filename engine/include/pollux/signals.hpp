#pragma once

#include <initializer_list>
#include <pollux/event_loop.hpp>
#include <pollux/fd.hpp>
#include <signal.h>

namespace pollux {

/// Signals delivered as events of a loop (signalfd(2)), for as long as this object lives.
///
/// The signals are blocked in the calling thread, so that nothing else handles them; threads
/// started later inherit that, threads that run already must block them themselves, and so do
/// programs started by fork and exec: unblock them between the two (`Child` does). The destructor,
/// on the same thread, unblocks those that were not blocked before; what is pending then is
/// dropped. Signals of one number that arrive before the loop looks count as one (signal(7)).
class SignalWatch {
public:
    /// Calls `on_signal` with the number, on the loop's thread; it may destroy this object. Throws
    /// `std::system_error` (EINVAL: no such signal).
    SignalWatch(EventLoop& loop, std::initializer_list<int> signals,
                UniqueFunction<void(int)> on_signal);
    ~SignalWatch();
    SignalWatch(const SignalWatch&) = delete;
    SignalWatch& operator=(const SignalWatch&) = delete;

private:
    /// Keeps signals blocked while it lives.
    class Blocked {
    public:
        explicit Blocked(std::initializer_list<int> signals);
        ~Blocked();
        Blocked(const Blocked&) = delete;
        Blocked& operator=(const Blocked&) = delete;
        const sigset_t& signals() const noexcept { return signals_; }

    private:
        sigset_t signals_{};
        sigset_t ours_{}; // those that were not blocked before
    };

    Blocked blocked_;
    Fd fd_;
    Watch watch_;
};

} // namespace pollux
