#include "timer_queue.hpp"

#include <algorithm>
#include <utility>

namespace pollux {
namespace {

SlabId to_slab_id(TimerQueue::Id id) noexcept {
    return {static_cast<std::uint32_t>(id), static_cast<std::uint32_t>(id >> 32)};
}
TimerQueue::Id to_id(SlabId id) noexcept { return std::uint64_t{id.generation} << 32 | id.index; }

// What lies further back is as good as this: how late it is still fits a duration, and twice that.
constexpr Clock::time_point dawn{Clock::duration::min() / 4};

// The next time on the timer's own grid after `now`: what was missed is left out.
Clock::time_point next_on_grid(Clock::time_point due, Clock::duration interval,
                               Clock::time_point now) noexcept {
    const Clock::time_point next = later(due, interval);
    return next > now ? next : later(due, ((now - due) / interval + 1) * interval);
}

} // namespace

TimerSlot* TimerQueue::find(Id id) noexcept {
    TimerSlot* const slot = slots_.find(to_slab_id(id));
    return slot == nullptr || slot->doomed ? nullptr : slot;
}

TimerQueue::Id TimerQueue::make(Clock::time_point due, Clock::duration interval, Task task) {
    const std::uint32_t index = slots_.take();
    TimerSlot& slot = slots_[index];
    slot.serial = ++serial_;
    try {
        heap_.make_room(slots_.live());
        if (due_.capacity() < slots_.live()) due_.reserve(2 * slots_.live());
        heap_.arm(slot, std::max(due, dawn));
    } catch (...) {
        slots_.give_back(index);
        throw;
    }
    slot.task = std::move(task);
    slot.interval = interval;
    return to_id(slots_.id(index));
}

void TimerQueue::arm(Id id, Clock::time_point due) {
    TimerSlot& slot = *find(id);
    slot.firing = false; // it was to run in this round; now it runs at its new time
    slot.serial = ++serial_;
    heap_.arm(slot, std::max(due, dawn));
}

void TimerQueue::cancel(Id id) noexcept {
    TimerSlot* const slot = find(id);
    if (slot == nullptr) return;
    slot->firing = false;
    heap_.disarm(*slot);
}

bool TimerQueue::armed(Id id) noexcept {
    const TimerSlot* const slot = find(id);
    return slot != nullptr && (slot->firing || slot->place != not_in_heap);
}

void TimerQueue::release(Id id) noexcept {
    TimerSlot* const slot = find(id);
    if (slot == nullptr) return;
    cancel(id);
    if (slot == running_)
        slot->doomed = true;
    else
        free_slot(to_slab_id(id).index);
}

// The destructor of the task may be code that comes back here: nobody finds the slot meanwhile, and
// nobody gets it.
void TimerQueue::free_slot(std::uint32_t index) noexcept {
    TimerSlot& slot = slots_[index];
    slot.doomed = true;
    { const Task task = std::move(slot.task); }
    slot.doomed = false;
    slots_.give_back(index);
}

Clock::time_point TimerQueue::next_due() noexcept { return heap_.earliest()->due; }

std::size_t TimerQueue::run_due(Clock::time_point now, LoopObserver* observer) {
    // What is due is taken out first: a task that arms a timer for "now" waits a turn, and one that
    // cancels another of this round finds it not yet run.
    if (!has_leftovers()) {
        due_.clear();
        next_ = 0;
        for (TimerSlot* slot = heap_.earliest(); slot != nullptr && slot->due <= now;
             slot = heap_.earliest()) {
            due_.push_back(to_id(slots_.id(slot->index)));
            heap_.disarm(*slot);
            slot->firing = true;
        }
    }
    std::size_t ran = 0;
    while (has_leftovers()) ran += run(due_[next_++], now, observer);
    return ran;
}

std::size_t TimerQueue::run(Id id, Clock::time_point now, LoopObserver* observer) {
    TimerSlot* const slot = find(id);
    if (slot == nullptr || !std::exchange(slot->firing, false)) return 0;
    const Clock::time_point due = slot->due;
    if (slot->interval > Clock::duration::zero()) {
        slot->serial = ++serial_;
        heap_.arm(*slot, next_on_grid(due, slot->interval, now));
    }

    struct Running {
        TimerQueue& queue;
        std::uint32_t index;
        ~Running() {
            TimerSlot* const ran = std::exchange(queue.running_, nullptr);
            if (ran->doomed) queue.free_slot(index);
        }
    };
    running_ = slot;
    const Running running{*this, to_slab_id(id).index};
    if (observer == nullptr) {
        slot->task();
        return 1;
    }
    const Clock::time_point start = Clock::now();
    slot->task();
    observer->on_timer(start - due, Clock::now() - start);
    return 1;
}

void TimerQueue::clear() noexcept {
    for (std::uint32_t index = 0; index < slots_.size(); ++index) {
        TimerSlot& slot = slots_[index];
        slot.firing = false;
        heap_.disarm(slot);
        const Task task = std::move(slot.task);
    }
}

} // namespace pollux
