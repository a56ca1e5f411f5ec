#pragma once

#include <concepts>
#include <coroutine>
#include <optional>
#include <pollux/coro/root.hpp>
#include <pollux/coro/task.hpp>
#include <stop_token>
#include <utility>

namespace pollux::coro {

/// What a token stops. It stands in the frame that awaits.
class TokenDomain {
public:
    explicit TokenDomain(std::stop_token token) noexcept : token_{std::move(token)} {}

    const Domain& open(Frame& frame);
    void end() noexcept { on_stop_.reset(); }

private:
    struct Stop {
        Root* root;
        Domain* domain;
        void operator()() const noexcept;
    };

    std::stop_token token_;
    Domain domain_;
    std::optional<std::stop_callback<Stop>> on_stop_;
};

/// Made by `stoppable`.
template <class Value> class [[nodiscard]] Stoppable final : public Child<Value> {
public:
    template <std::derived_from<Frame> Parent>
    void await_suspend(std::coroutine_handle<Parent> parent) {
        this->begin(parent.promise(), domain_.open(parent.promise()));
    }
    Value await_resume() {
        domain_.end();
        return Child<Value>::await_resume();
    }

private:
    template <class Result> friend Stoppable<Result> stoppable(std::stop_token, Task<Result>);
    Stoppable(std::stop_token token, Task<Value>&& task)
        : Child<Value>{std::move(task)}, domain_{std::move(token)} {}

    TokenDomain domain_;
};

/// `co_await stoppable(token, work())` stops this one task when a stop is requested of the token,
/// in any thread: it goes on where it waits, on the loop's thread, with `Cancelled`. The frame that
/// awaits is not asked to stop itself; it may catch that and go on. Allocates nothing.
template <class Value> Stoppable<Value> stoppable(std::stop_token token, Task<Value> task) {
    return Stoppable<Value>{std::move(token), std::move(task)};
}

} // namespace pollux::coro
