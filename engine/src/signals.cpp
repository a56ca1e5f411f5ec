#include <pollux/signals.hpp>

#include <pollux/error.hpp>
#include <string>
#include <utility>

#include "sys.hpp"

namespace pollux {

SignalWatch::Blocked::Blocked(std::initializer_list<int> signals) {
    sigemptyset(&signals_);
    for (const int signal : signals)
        check(sigaddset(&signals_, signal), "signal", std::to_string(signal));
    sigset_t before{};
    if (const int error = sys::pthread_sigmask(SIG_BLOCK, &signals_, &before); error != 0)
        throw_system_error(error, "pthread_sigmask");
    // Others may have blocked some of them before, and count on that.
    sigemptyset(&ours_);
    for (const int signal : signals)
        if (sigismember(&before, signal) == 0) sigaddset(&ours_, signal);
}

SignalWatch::Blocked::~Blocked() { sys::pthread_sigmask(SIG_UNBLOCK, &ours_, nullptr); }

SignalWatch::SignalWatch(EventLoop& loop, std::initializer_list<int> signals,
                         UniqueFunction<void(int)> on_signal)
    : blocked_{signals},
      fd_{check(sys::signalfd(-1, &blocked_.signals(), SFD_NONBLOCK | SFD_CLOEXEC), "signalfd")},
      // The callback is the watch's, not a member's: it may destroy this object. One signal is read
      // in a turn, and the others stay in the kernel.
      watch_{loop.watch(fd_.get(), Interest::read, Trigger::level,
                        [fd = fd_.get(), on_signal = std::move(on_signal)](Readiness) mutable {
                            signalfd_siginfo info{};
                            if (sys::read(fd, &info, sizeof info) == sizeof info)
                                on_signal(static_cast<int>(info.ssi_signo));
                        })} {}

// What is pending still would be delivered when it is unblocked, and most signals kill.
SignalWatch::~SignalWatch() {
    signalfd_siginfo info{};
    while (sys::read(fd_.get(), &info, sizeof info) == sizeof info) {
    }
}

} // namespace pollux
