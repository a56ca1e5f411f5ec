#pragma once

// Timers know no descriptors: the loop asks how long it may sleep and runs what is due.

#include <cstdint>
#include <pollux/clock.hpp>
#include <pollux/function.hpp>
#include <pollux/loop_observer.hpp>
#include <vector>

#include "deadline_heap.hpp"
#include "slab.hpp"

namespace pollux {

/// A timer, as the queue keeps it.
struct TimerSlot {
    Task task;
    Clock::time_point due{};
    Clock::duration interval{}; // zero: runs once
    std::uint64_t serial = 0;   // of its arming
    std::uint32_t place = not_in_heap;
    std::uint32_t generation = 1; // id 0 names nobody
    std::uint32_t index = 0;      // for the slab
    bool firing = false;          // taken from the heap to run in this turn
    bool doomed = false;          // given up in its own task: freed when that returns

    std::uint64_t order() const noexcept { return serial; }
};

class TimerQueue {
public:
    /// Names a timer of this queue; 0 names nobody.
    using Id = std::uint64_t;

    Id make(Clock::time_point due, Clock::duration interval, Task task);
    void arm(Id id, Clock::time_point due);
    void cancel(Id id) noexcept;
    void release(Id id) noexcept;
    bool armed(Id id) noexcept;

    bool idle() const noexcept { return heap_.empty() && next_ == due_.size(); }
    /// A round that an exception cut short.
    bool has_leftovers() const noexcept { return next_ < due_.size(); }
    /// The earliest due time; only when something is armed.
    Clock::time_point next_due() noexcept;

    /// Runs what is due at `now`, in order; what is armed meanwhile waits for the next call. When a
    /// task throws, the next call runs the rest first. Returns how many ran. A task may change the
    /// observer.
    std::size_t run_due(Clock::time_point now, LoopObserver* const& observer);

    std::size_t live() const noexcept { return slots_.live(); }
    /// Destroys all tasks.
    void clear() noexcept;

private:
    TimerSlot* find(Id id) noexcept;
    std::size_t run(Id id, Clock::time_point now, LoopObserver* const& observer);
    void free_slot(std::uint32_t index) noexcept;

    Slab<TimerSlot, 64> slots_;
    DeadlineHeap<TimerSlot> heap_;
    std::uint64_t serial_ = 0;
    std::vector<Id> due_; // of this round
    std::size_t next_ = 0;
    TimerSlot* running_ = nullptr;
};

} // namespace pollux
