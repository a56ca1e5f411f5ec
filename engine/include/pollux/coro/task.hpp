#pragma once

#include <coroutine>
#include <optional>
#include <pollux/coro/root.hpp>
#include <stdexcept>
#include <type_traits>
#include <utility>

namespace pollux::coro {

template <class Value> class Task;

/// What a coroutine that returns `Task<Value>` keeps beside its variables.
template <class Value> class Promise final : public Frame {
public:
    Promise() noexcept : Frame{std::coroutine_handle<Promise>::from_promise(*this)} {}
    Task<Value> get_return_object() noexcept;

    template <std::convertible_to<Value> Result> void return_value(Result&& result) {
        value_.emplace(std::forward<Result>(result));
    }
    /// The value, moved out, or what the coroutine threw.
    Value take() {
        rethrow_failure();
        return std::move(*value_);
    }

private:
    std::optional<Value> value_;
};

template <> class Promise<void> final : public Frame {
public:
    Promise() noexcept : Frame{std::coroutine_handle<Promise>::from_promise(*this)} {}
    Task<void> get_return_object() noexcept;
    void return_void() const noexcept {}
    void take() const { rethrow_failure(); }
};

/// Owns the frame of a task that is being awaited, and lives in the frame that awaits.
template <class Value> class Child {
public:
    explicit Child(Task<Value>&& task) : frame_{task.release()} {}
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;
    ~Child() {
        if (frame_) frame_.destroy();
    }

    bool await_ready() const noexcept { return false; }
    template <std::derived_from<Frame> Parent>
    void await_suspend(std::coroutine_handle<Parent> parent) noexcept {
        begin(parent.promise(), parent.promise().domain());
    }
    Value await_resume() { return promise().take(); }

protected:
    void begin(Frame& parent, const Domain& domain) noexcept {
        promise().begin(parent, domain, frame_);
    }

private:
    Promise<Value>& promise() const noexcept {
        return std::coroutine_handle<Promise<Value>>::from_address(frame_.address()).promise();
    }

    std::coroutine_handle<> frame_;
};

/// Work written as a coroutine: it runs when it is awaited, or started by a `Scope`, and gives a
/// value or throws. `Value` is an object type, or void.
///
///     coro::Task<std::size_t> count_bytes(coro::Stream& from) {
///         std::array<std::byte, 4096> buffer;
///         std::size_t all = 0;
///         for (;;) {
///             const IoResult result = co_await from.read(buffer);
///             if (result.state != IoState::ok) co_return all;
///             all += result.bytes;
///         }
///     }
///     …
///     const std::size_t bytes = co_await count_bytes(stream);
///
/// It is owned by this object, then by the frame that awaits it, or by its scope: never by nobody.
/// A task that is neither awaited nor started never runs. Its frame is one allocation; it goes when
/// the `co_await` is over, or with the task that awaits it.
///
/// What a coroutine takes by reference must outlive it. That holds when the task is awaited in the
/// same expression; what is passed to `Scope::start` should be passed by value. A lambda that is a
/// coroutine must outlive its task too: its captures stay in the lambda.
///
/// `pollux::Task` is another thing, a posted callable: say `coro::Task`, and no `using namespace`
/// for this one.
///
/// Any number of tasks may await one another, or end at once: the stack does not grow.
///
/// g++ 12 destroys some temporaries of a `co_await` expression twice. Give a name, before it, to
/// - a closure that keeps by value what is no plain value (keeping references is fine);
/// - a struct without constructors that holds such members: `co_await store({name, 5})`.
/// Nor may one branch of `?:` give such a value by `co_await`: write `if`.
template <class Value = void> class [[nodiscard]] Task {
    static_assert(std::is_void_v<Value> || std::is_object_v<Value>);

public:
    using promise_type = Promise<Value>;

    Task(Task&& other) noexcept : frame_{std::exchange(other.frame_, {})} {}
    Task& operator=(Task&& other) noexcept {
        const Task former{std::exchange(frame_, std::exchange(other.frame_, {}))};
        return *this;
    }
    Task(const Task&) = delete;
    Task& operator=(const Task&) = delete;
    ~Task() {
        if (frame_) frame_.destroy();
    }

    /// Runs the task and gives its value, or throws what it throws. Once, and only as an rvalue:
    /// `co_await work()` or `co_await std::move(task)`. Throws `std::logic_error` for a task that
    /// was awaited, started or moved from.
    Child<Value> operator co_await() && { return Child<Value>{std::move(*this)}; }

private:
    friend Promise<Value>;
    friend Child<Value>;
    friend class Scope;
    explicit Task(std::coroutine_handle<Promise<Value>> frame) noexcept : frame_{frame} {}

    std::coroutine_handle<Promise<Value>> release() {
        if (!frame_) throw std::logic_error{"coro::Task: awaited or started before"};
        return std::exchange(frame_, {});
    }

    std::coroutine_handle<Promise<Value>> frame_;
};

template <class Value> Task<Value> Promise<Value>::get_return_object() noexcept {
    return Task<Value>{std::coroutine_handle<Promise>::from_promise(*this)};
}
inline Task<void> Promise<void>::get_return_object() noexcept {
    return Task<void>{std::coroutine_handle<Promise>::from_promise(*this)};
}

} // namespace pollux::coro
