#pragma once

#include <optional>
#include <pollux/busy_poll.hpp>
#include <pollux/clock.hpp>

namespace pollux {

/// How an `EventLoop` waits. Where nothing is said it waits in the kernel, at once.
struct LoopOptions {
    /// For so long a loop that has nothing to do looks again and again, before it sleeps in the
    /// kernel. What comes meanwhile is found in less than a microsecond, where waking a thread
    /// takes tens of them; and who posts to a loop that looks makes no system call. The price is a
    /// processor that is busy for as long, and should have nothing else to do: who wakes the loop
    /// from the same one may wait until the budget is spent. A budget somewhat longer than the
    /// usual time until the next request is one that pays. Timers are as exact as ever.
    Clock::duration spin{0};

    /// Given to each reactor that the loop makes (`set_busy_poll`). What that throws the
    /// constructor throws; who can do without tries again without.
    std::optional<BusyPoll> busy_poll{};
};

} // namespace pollux
