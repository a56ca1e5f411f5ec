#include "timer_queue.hpp"

#include <utility>

namespace pollux {
namespace {

// The next time on the timer's own grid after `now`: what was missed is left out.
Clock::time_point next_on_grid(Clock::time_point due, Clock::duration interval,
                               Clock::time_point now) noexcept {
    const Clock::time_point next = later(due, interval);
    return next > now ? next : later(due, ((now - due) / interval + 1) * interval);
}

} // namespace

std::size_t TimerQueue::run_due(Clock::time_point now, LoopObserver* const& observer) {
    // What is due is taken out first: a task that arms a timer for "now" waits a turn, and one that
    // cancels another of this round finds it not yet run.
    if (!has_leftovers()) {
        wheel_.gather(now);
        last_ = serial_;
    }
    std::size_t ran = 0;
    while (TimerSlot* const slot = wheel_.take(now)) {
        if (slot->serial > last_) { // armed anew in this round
            wheel_.arm(*slot, slot->due);
            continue;
        }
        run(*slot, now, observer);
        ++ran;
    }
    return ran;
}

void TimerQueue::run(TimerSlot& slot, Clock::time_point now, LoopObserver* const& observer) {
    const Clock::time_point due = slot.due;
    if (slot.interval > Clock::duration::zero()) arm(slot, next_on_grid(due, slot.interval, now));

    struct Running {
        TimerQueue& queue;
        ~Running() {
            TimerSlot* const ran = std::exchange(queue.running_, nullptr);
            if (std::exchange(queue.running_is_released_, false)) queue.free_slot(*ran);
        }
    };
    running_ = &slot;
    const Running running{*this};
    LoopObserver* const watching = observer;
    const Clock::time_point start = watching == nullptr ? Clock::time_point{} : Clock::now();
    slot.task();
    if (watching != nullptr && watching == observer)
        watching->on_timer(start - due, Clock::now() - start);
}

void TimerQueue::clear() noexcept {
    for (std::size_t index = 0; index < slots_.size(); ++index) {
        wheel_.disarm(slots_[index]);
        const Task task = std::move(slots_[index].task);
    }
}

} // namespace pollux
