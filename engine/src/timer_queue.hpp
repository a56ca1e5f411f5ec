#pragma once

// Timers know no descriptors: the loop asks how long it may sleep and runs what is due.

#include <algorithm>
#include <cstdint>
#include <pollux/clock.hpp>
#include <pollux/loop_observer.hpp>

#include "deadline_wheel.hpp"
#include "timer_slots.hpp"

namespace pollux {

/// A slot belongs to whoever called `make`, until `release`.
class TimerQueue {
public:
    /// Throws std::bad_alloc.
    TimerSlot& make(Clock::time_point due, Clock::duration interval, Task&& task) {
        TimerSlot& slot = slots_.take(std::move(task), interval);
        arm(slot, due);
        return slot;
    }
    void arm(TimerSlot& slot, Clock::time_point due) noexcept {
        slot.serial = ++serial_;
        wheel_.arm(slot, std::max(due, dawn));
    }
    void cancel(TimerSlot& slot) noexcept { wheel_.disarm(slot); }
    void release(TimerSlot& slot) noexcept {
        wheel_.disarm(slot);
        if (&slot == running_)
            running_is_released_ = true; // freed when its task returns
        else
            slots_.give_back(slot);
    }
    static bool armed(const TimerSlot& slot) noexcept { return Wheel::is_armed(slot); }

    bool idle() const noexcept { return wheel_.empty(); }
    /// While idle: see DeadlineWheel.
    void set_out(Clock::time_point now) noexcept { wheel_.set_out(now); }
    /// A round that an exception cut short, and that goes on before the loop waits again. Not if it
    /// began so itself: a task that throws and is due at once in every turn keeps nobody else out.
    bool has_leftovers() noexcept { return leads_ && is_cut_short(); }
    /// The earliest due time, or sometime before: see DeadlineWheel. Only when something is armed.
    Clock::time_point next_due() noexcept { return wheel_.next_due(); }

    /// Runs what is due at `now`, in order; what is armed meanwhile waits for the next call. When a
    /// task throws, the next call runs the rest first. Returns how many ran. A task may change the
    /// observer.
    std::size_t run_due(Clock::time_point now, LoopObserver* const& observer);

    std::size_t live() const noexcept { return slots_.live(); }
    /// Destroys all tasks.
    void clear() noexcept;

private:
    using Wheel = DeadlineWheel<TimerSlot>;

    // What lies further back is as good as this: how late it is still fits a duration, and twice
    // that.
    static constexpr Clock::time_point dawn{Clock::duration::min() / 4};

    bool is_cut_short() noexcept {
        return in_round_ && !wheel_.empty() && wheel_.next_due() <= round_;
    }
    void begin_round(Clock::time_point now) noexcept;
    std::size_t run_round(Clock::time_point now, LoopObserver* const& observer);
    void run(TimerSlot& slot, Clock::time_point now, LoopObserver* const& observer);

    Wheel wheel_;
    std::uint64_t serial_ = 0;
    bool in_round_ = false;
    bool leads_ = true;       // what is left of the round comes before the next wait
    Clock::time_point round_; // what is due then is run
    std::uint64_t last_ = 0;  // but not what is armed after this serial
    TimerSlot* running_ = nullptr;
    bool running_is_released_ = false;
    TimerSlots slots_;
};

} // namespace pollux
