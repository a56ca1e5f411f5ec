#pragma once

#include <pollux/clock.hpp>
#include <utility>

namespace pollux {

class LoopCore;
struct TimerSlot;

/// A task that an `EventLoop` runs at its time, for as long as this object lives. Made by
/// `EventLoop::run_at`, `run_after` and `run_every`. Destroying it cancels it: legal anywhere on
/// the loop's thread, in its own task too, and after the loop is gone.
///
/// A timer that has run, or was cancelled, keeps its task and can be armed again. Timers run in the
/// order of their due times, and those due at the same time in the order of arming; never early.
class Timer {
public:
    /// Runs nothing.
    Timer() noexcept = default;
    Timer(Timer&& other) noexcept
        : core_{std::exchange(other.core_, nullptr)}, slot_{std::exchange(other.slot_, nullptr)} {}
    Timer& operator=(Timer&& other) noexcept {
        if (this != &other) {
            if (core_ != nullptr) release();
            core_ = std::exchange(other.core_, nullptr);
            slot_ = std::exchange(other.slot_, nullptr);
        }
        return *this;
    }
    Timer(const Timer&) = delete;
    Timer& operator=(const Timer&) = delete;
    ~Timer() {
        if (core_ != nullptr) release();
    }

    explicit operator bool() const noexcept { return core_ != nullptr; }
    /// Whether it is going to run.
    bool armed() const noexcept;

    /// Arms it for another time, whether or not it is armed now. Allocates nothing. Throws
    /// `std::logic_error` on an object that was never given a task.
    void run_at(Clock::time_point due);
    void run_after(Clock::duration delay);

    /// Lets it not run; `run_at` arms it again. A repeating timer stops repeating until then.
    void cancel() noexcept;

private:
    friend class LoopCore;
    Timer(LoopCore* core, TimerSlot* slot) noexcept : core_{core}, slot_{slot} {}
    void release() noexcept;

    LoopCore* core_ = nullptr;
    TimerSlot* slot_ = nullptr;
};

} // namespace pollux
