#include "wake_up.hpp"

#include <cerrno>
#include <pollux/error.hpp>

#include "rest.hpp"
#include "sys.hpp"

namespace pollux {
void WakeUp::open() {
    eventfd_.reset(check(sys::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC), "eventfd"));
}

void WakeUp::ask() noexcept {
    // To look at the word first would not do: only who writes to it hands over its stores.
    if (word_.exchange(asking) != sleeping) return;
    const int saved = errno; // may run in a signal handler
    const std::uint64_t one = 1;
    sys::write(eventfd_.get(), &one, sizeof one);
    errno = saved;
}

void WakeUp::take() noexcept {
    // First read, then clear: whoever asks in between finds that somebody has, and the turn that is
    // under way comes after what they did.
    std::uint64_t count = 0;
    sys::read(eventfd_.get(), &count, sizeof count);
    attend();
}

void WakeUp::attend() noexcept {
    attentive_ = true;
    if (word_.exchange(attending) == asking) heard_ = true;
}

bool WakeUp::asked_soon() const noexcept {
    constexpr int looks = 4;
    for (int i = 0; i < looks; ++i) {
        if (asked()) return true;
        rest();
    }
    return asked();
}

// Who asks once may do so again soon, so the loop sleeps only after a turn in which nobody did.
bool WakeUp::may_sleep() noexcept {
    Word seen = attending;
    attentive_ = !word_.compare_exchange_strong(seen, sleeping);
    if (attentive_) attend();
    return !attentive_;
}

bool WakeUp::leave() noexcept {
    attentive_ = false;
    return word_.exchange(sleeping) == asking;
}

} // namespace pollux
