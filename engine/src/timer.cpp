#include <pollux/timer.hpp>

#include <stdexcept>
#include <utility>

#include "loop_core.hpp"

namespace pollux {

Timer::Timer(Timer&& other) noexcept
    : core_{std::exchange(other.core_, nullptr)}, id_{std::exchange(other.id_, 0)} {}

Timer& Timer::operator=(Timer&& other) noexcept {
    if (this != &other) {
        release();
        core_ = std::exchange(other.core_, nullptr);
        id_ = std::exchange(other.id_, 0);
    }
    return *this;
}

Timer::~Timer() { release(); }

void Timer::release() noexcept {
    if (LoopCore* const core = std::exchange(core_, nullptr)) core->release_timer(id_);
}

bool Timer::armed() const noexcept { return core_ != nullptr && core_->armed(id_); }

void Timer::run_at(Clock::time_point due) {
    if (core_ == nullptr) throw std::logic_error{"Timer::run_at: this timer has no task"};
    core_->arm(id_, due);
}

void Timer::run_after(Clock::duration delay) { run_at(later(Clock::now(), delay)); }

void Timer::cancel() noexcept {
    if (core_ != nullptr) core_->cancel(id_);
}

} // namespace pollux
