#include <pollux/timer.hpp>

#include <stdexcept>
#include <utility>

#include "loop_core.hpp"

namespace pollux {

// The loop's part stands here, so that arming and cancelling are one call with all in it.

// The loop may be in turns that know no timers.
void LoopCore::start_timing() noexcept {
    attend();
    timers_.set_out(now_);
}

Timer LoopCore::make_timer(Clock::time_point due, Clock::duration interval, Task&& task) {
    check_thread();
    check_process("run_at");
    if (timers_.idle()) start_timing();
    return Timer{this, &timers_.make(due, interval, std::move(task))};
}

void LoopCore::arm(TimerSlot& slot, Clock::time_point due) noexcept {
    check_thread();
    if (closed_) return;
    if (!TimerQueue::armed(slot) && timers_.idle()) start_timing();
    timers_.arm(slot, due);
}

void LoopCore::cancel(TimerSlot& slot) noexcept {
    check_thread();
    timers_.cancel(slot);
}

void LoopCore::release_timer(TimerSlot& slot) noexcept {
    check_thread();
    timers_.release(slot);
    if (closed_) delete_if_unused();
}

void Timer::release() noexcept { std::exchange(core_, nullptr)->release_timer(*slot_); }

bool Timer::armed() const noexcept { return core_ != nullptr && TimerQueue::armed(*slot_); }

void Timer::run_at(Clock::time_point due) {
    if (core_ == nullptr) throw std::logic_error{"Timer::run_at: this timer has no task"};
    core_->arm(*slot_, due);
}

void Timer::run_after(Clock::duration delay) { run_at(later(Clock::now(), delay)); }

void Timer::cancel() noexcept {
    if (core_ != nullptr) core_->cancel(*slot_);
}

} // namespace pollux
