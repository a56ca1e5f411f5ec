#pragma once

#include <atomic>
#include <pollux/event_loop.hpp>
#include <pollux/instruments/call_hook.hpp>
#include <string_view>

namespace pollux_test {

/// Fails the running test case when the library waits in the kernel more often than `most` times
/// while this object lives, and ends the busy loop: the loop is stopped at the wait that is one too
/// many. On io_uring one more is allowed: a run that ends takes back what it asked for, by the call
/// that waits (`Reactor::leave_thread`). It is the one CallHook of its time; what else is to be
/// decided about calls goes to `decide`.
class WakeUpBudget {
public:
    WakeUpBudget(pollux::EventLoop& loop, int most, pollux::CallHook::Function decide = {});
    ~WakeUpBudget();
    WakeUpBudget(const WakeUpBudget&) = delete;
    WakeUpBudget& operator=(const WakeUpBudget&) = delete;

    int used() const { return used_.load(); }

private:
    std::atomic<int> used_{0};
    int most_;
    pollux::CallHook hook_;
};

/// Whether this is the name of a call that waits: "epoll_wait", "ppoll" …
bool is_wait(std::string_view call);

/// How often the library made calls of that name so far; "wait" means all that wait.
std::uint64_t calls_made(std::string_view name);

/// Runs the loop until so much of its time has passed. With a FakeClock around, hours are nothing,
/// and a loop that spins never gets there: put a WakeUpBudget around too.
void run_for(pollux::EventLoop& loop, pollux::Clock::duration time);

/// Takes so many turns that do not wait; returns how many callbacks they made.
std::size_t turns(pollux::EventLoop& loop, int count);

} // namespace pollux_test
