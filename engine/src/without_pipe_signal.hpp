#pragma once

#include <cerrno>

#include "sys.hpp"

namespace pollux {

/// Keeps SIGPIPE from this thread while it lives, and takes back the one that a call of ours
/// brought: for calls that have no flag against it, as MSG_NOSIGNAL is one for send(2). Keeps
/// errno, which says whether there was one.
class WithoutPipeSignal {
public:
    WithoutPipeSignal() noexcept {
        sigemptyset(&pipe_);
        sigaddset(&pipe_, SIGPIPE);
        sys::pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
    }
    ~WithoutPipeSignal() {
        const int saved = errno;
        // Who blocks it himself may have one waiting: that stays.
        if (saved == EPIPE && sigismember(&before_, SIGPIPE) == 0) {
            constexpr timespec at_once{};
            sys::sigtimedwait(&pipe_, nullptr, &at_once);
        }
        sys::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
        errno = saved;
    }
    WithoutPipeSignal(const WithoutPipeSignal&) = delete;
    WithoutPipeSignal& operator=(const WithoutPipeSignal&) = delete;

private:
    sigset_t pipe_{};
    sigset_t before_{};
};

} // namespace pollux
