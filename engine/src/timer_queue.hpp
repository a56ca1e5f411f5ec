#pragma once

// Timers know no descriptors: the loop asks how long it may sleep and runs what is due.

#include <algorithm>
#include <cstdint>
#include <deque>
#include <pollux/clock.hpp>
#include <pollux/function.hpp>
#include <pollux/loop_observer.hpp>

#include "deadline_wheel.hpp"

namespace pollux {

/// A timer, as the queue keeps it: one cache line, so that whatever is done with it waits for
/// memory once.
struct alignas(64) TimerSlot {
    Task task;
    TimerSlot* next = nullptr;  // in the wheel, or among the free ones
    TimerSlot** link = nullptr; // for the wheel
    Clock::time_point due{};
    Clock::duration interval{}; // zero: runs once
    std::uint64_t serial = 0;   // of its arming

    std::uint64_t order() const noexcept { return serial; }
};
static_assert(sizeof(TimerSlot) == 64);

/// A slot belongs to whoever called `make`, until `release`.
class TimerQueue {
public:
    /// Throws std::bad_alloc.
    TimerSlot& make(Clock::time_point due, Clock::duration interval, Task task) {
        TimerSlot& slot = take_slot();
        slot.task = std::move(task);
        slot.interval = interval;
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
            free_slot(slot);
    }
    static bool armed(const TimerSlot& slot) noexcept { return Wheel::is_armed(slot); }

    bool idle() const noexcept { return wheel_.empty(); }
    /// A round that an exception cut short.
    bool has_leftovers() const noexcept { return wheel_.has_gathered(); }
    /// The earliest due time, or sometime before: see DeadlineWheel. Only when something is armed.
    Clock::time_point next_due() noexcept { return wheel_.next_due(); }

    /// Runs what is due at `now`, in order; what is armed meanwhile waits for the next call. When a
    /// task throws, the next call runs the rest first. Returns how many ran. A task may change the
    /// observer.
    std::size_t run_due(Clock::time_point now, LoopObserver* const& observer);

    std::size_t live() const noexcept { return live_; }
    /// Destroys all tasks.
    void clear() noexcept;

private:
    using Wheel = DeadlineWheel<TimerSlot>;

    // What lies further back is as good as this: how late it is still fits a duration, and twice
    // that.
    static constexpr Clock::time_point dawn{Clock::duration::min() / 4};

    TimerSlot& take_slot() {
        TimerSlot& slot =
            free_ == nullptr ? slots_.emplace_back() : *std::exchange(free_, free_->next);
        ++live_;
        return slot;
    }
    // The destructor of the task may be code that comes back here: nobody gets the slot meanwhile.
    void free_slot(TimerSlot& slot) noexcept {
        { const Task task = std::move(slot.task); }
        slot.next = std::exchange(free_, &slot);
        --live_;
    }
    void run(TimerSlot& slot, Clock::time_point now, LoopObserver* const& observer);

    Wheel wheel_;
    std::uint64_t serial_ = 0;
    std::uint64_t last_ = 0; // serial of this round
    TimerSlot* running_ = nullptr;
    bool running_is_released_ = false;
    TimerSlot* free_ = nullptr;
    std::size_t live_ = 0;
    std::deque<TimerSlot> slots_;
};

} // namespace pollux
