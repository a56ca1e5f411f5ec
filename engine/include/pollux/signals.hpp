#pragma once

#include <initializer_list>
#include <pollux/event_loop.hpp>
#include <pollux/fd.hpp>
#include <signal.h>

namespace pollux {

/// Signals delivered as events of a loop (signalfd(2)), for as long as this object lives.
///
/// The signals are blocked in the calling thread, so that nothing else handles them; threads
/// started later inherit that, threads that run already must block them themselves. The destructor
/// restores the mask; it runs on the same thread. Signals of one number that arrive before the loop
/// looks count as one (signal(7)).
class SignalWatch {
public:
    /// Calls `on_signal` with the number, on the loop's thread; it may destroy this object. Throws
    /// `std::system_error`.
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
        sigset_t before_{};
    };

    Blocked blocked_;
    Fd fd_;
    Watch watch_;
};

} // namespace pollux
