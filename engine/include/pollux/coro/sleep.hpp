#pragma once

#include <pollux/clock.hpp>
#include <pollux/coro/wait.hpp>
#include <pollux/timer.hpp>

namespace pollux::coro {

/// Made by `sleep` and `sleep_until`.
class [[nodiscard]] Sleep final : public Wait {
public:
    void await_resume() const { finish(); }

private:
    friend Sleep sleep(Clock::duration delay) noexcept;
    friend Sleep sleep_until(Clock::time_point due) noexcept;
    Sleep(Clock::duration delay, Clock::time_point due) noexcept : delay_{delay}, due_{due} {}
    bool start() override;
    bool give_up() noexcept override;

    Clock::duration delay_; // unless it is zero, counted from the await
    Clock::time_point due_;
    Timer timer_;
};

/// `co_await sleep(100ms)`: goes on after that time, counted from the await; never early. Waits for
/// the next turn at least when it is zero or less. Throws `Cancelled`.
inline Sleep sleep(Clock::duration delay) noexcept { return {delay, {}}; }

/// `co_await sleep_until(time)`: goes on at that time, or as soon as possible. Reads no clock.
inline Sleep sleep_until(Clock::time_point due) noexcept { return {{}, due}; }

/// Made by `next_turn`.
class [[nodiscard]] NextTurn final : public Wait {
public:
    void await_resume() const { finish(); }

private:
    friend NextTurn next_turn() noexcept;
    NextTurn() noexcept = default;
    bool start() override;
    bool give_up() noexcept override { return true; }
};

/// `co_await next_turn()`: lets the others go first. The task goes on with the timers of this turn,
/// or of the next when it runs after them. In between the loop has looked at its descriptors, at
/// the latest when this is awaited for the second time. Throws `Cancelled`.
inline NextTurn next_turn() noexcept { return {}; }

} // namespace pollux::coro
