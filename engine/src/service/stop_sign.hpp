#pragma once

#include <atomic>
#include <pollux/clock.hpp>
#include <pollux/fd.hpp>

namespace pollux {

/// Says that it is over to all threads, and to the processes forked since: by a descriptor that is
/// readable from then on, so that who waits in poll(2) sees it too.
class StopSign {
public:
    /// What is under way may take so long from then on.
    explicit StopSign(Clock::duration patience);

    /// From any thread and from a signal handler.
    void request() noexcept;
    /// For who was told that the descriptor is readable: in a forked process nothing else tells.
    /// Whether it is so: a wait may tell of what is not there.
    bool notice() noexcept;
    bool requested() const noexcept { return requested_.load(); }
    int fd() const noexcept { return fd_.get(); }

    /// When what is under way is cut; to be asked once it was requested.
    Clock::time_point due() noexcept;

private:
    Fd fd_;
    Clock::duration patience_;
    std::atomic<bool> requested_{false};
    std::atomic<Clock::rep> due_{0};
};

} // namespace pollux
