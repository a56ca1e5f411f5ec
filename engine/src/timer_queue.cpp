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
    const bool resumes = is_cut_short();
    leads_ = true;
    if (!resumes) begin_round(now);
    const std::size_t ran = run_round(now, observer);
    if (!resumes || ran > 0) return ran;
    // What was left was all armed in the call that was cut short: it has waited for this one.
    leads_ = false;
    begin_round(now);
    return run_round(now, observer);
}

void TimerQueue::begin_round(Clock::time_point now) noexcept {
    wheel_.end_round();
    in_round_ = true;
    round_ = now;
    last_ = serial_;
}

std::size_t TimerQueue::run_round(Clock::time_point now, LoopObserver* const& observer) {
    std::size_t ran = 0;
    while (TimerSlot* const slot = wheel_.take(round_)) {
        if (slot->serial > last_) { // a task armed it for "now": that waits a turn
            wheel_.put_aside(*slot);
            continue;
        }
        run(*slot, now, observer);
        ++ran;
    }
    wheel_.end_round();
    in_round_ = false;
    return ran;
}

void TimerQueue::run(TimerSlot& slot, Clock::time_point now, LoopObserver* const& observer) {
    const Clock::time_point due = slot.due;
    if (slot.interval > Clock::duration::zero()) arm(slot, next_on_grid(due, slot.interval, now));

    struct Running {
        TimerQueue& queue;
        ~Running() {
            TimerSlot* const ran = std::exchange(queue.running_, nullptr);
            if (std::exchange(queue.running_is_released_, false)) queue.slots_.give_back(*ran);
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
    slots_.for_each([this](TimerSlot& slot) {
        wheel_.disarm(slot);
        const Task task = std::move(slot.task);
    });
}

} // namespace pollux
