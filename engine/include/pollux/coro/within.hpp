#pragma once

#include <concepts>
#include <coroutine>
#include <pollux/clock.hpp>
#include <pollux/coro/cancelled.hpp>
#include <pollux/coro/root.hpp>
#include <pollux/coro/task.hpp>
#include <pollux/timer.hpp>
#include <utility>

namespace pollux::coro {

/// A time after which what runs in a domain is stopped. It stands in the frame that awaits.
class Deadline {
public:
    explicit Deadline(Clock::duration delay) noexcept : delay_{delay} {}
    explicit Deadline(Clock::time_point due) noexcept : due_{due} {}

    const Domain& open(Frame& frame);
    void end() noexcept { timer_ = {}; }
    /// To be called with `Cancelled` in flight: throws ETIMEDOUT when this deadline is the reason.
    void throw_if_over() const;

private:
    Clock::duration delay_{};
    Clock::time_point due_{};
    Domain domain_;
    Timer timer_;
};

/// Made by `within` and `until`.
template <class Value> class [[nodiscard]] Within final : public Child<Value> {
public:
    template <std::derived_from<Frame> Parent>
    void await_suspend(std::coroutine_handle<Parent> parent) {
        this->begin(parent.promise(), deadline_.open(parent.promise()));
    }
    Value await_resume() {
        deadline_.end();
        try {
            return Child<Value>::await_resume();
        } catch (const Cancelled&) {
            deadline_.throw_if_over();
            throw;
        }
    }

private:
    template <class Result> friend Within<Result> within(Clock::duration, Task<Result>);
    template <class Result> friend Within<Result> until(Clock::time_point, Task<Result>);
    template <class When>
    Within(When when, Task<Value>&& task) : Child<Value>{std::move(task)}, deadline_{when} {}

    Deadline deadline_;
};

/// `co_await within(5s, read_request(stream))` gives the task that long, counted from the await.
/// When the time is over the task goes on where it waits with `Cancelled`, as if it were asked to
/// stop, and when it has ended with that, `std::system_error` ETIMEDOUT is thrown here. A task that
/// ends with a value or another exception all the same has ended so. A stop from outside stays
/// `Cancelled`. Deadlines may stand in one another. Allocates nothing. What is awaited and is no
/// task goes into one:
///
///     coro::Task<IoResult> read(coro::Stream& from, std::span<std::byte> into) {
///         co_return co_await from.read(into);
///     }
///     … co_await coro::within(5s, read(stream, buffer));
template <class Value> Within<Value> within(Clock::duration time, Task<Value> task) {
    return Within<Value>{time, std::move(task)};
}

/// The same with a point in time.
template <class Value> Within<Value> until(Clock::time_point due, Task<Value> task) {
    return Within<Value>{due, std::move(task)};
}

} // namespace pollux::coro
