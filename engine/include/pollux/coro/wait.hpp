#pragma once

#include <concepts>
#include <coroutine>
#include <exception>
#include <pollux/coro/root.hpp>
#include <utility>

namespace pollux::coro {

/// What a task waits for: the base of everything that is awaited and is no task. An object of a
/// derived class lives in the awaiting frame while it waits, so it needs no memory of its own; its
/// destructor must take back whatever could call it.
///
///     class Alarm final : public Wait {
///         bool start() override {
///             timer_ = loop().run_after(delay_, [this] { resume(); });
///             return true;
///         }
///         bool give_up() noexcept override { timer_ = {}; return true; }
///     public:
///         void await_resume() { finish(); }
///     };
///
/// In a task that is asked to stop, an await throws `Cancelled`: at once, and nothing is begun, or
/// where it waits. Everything here happens on the loop's thread.
class Wait {
public:
    Wait(const Wait&) = delete;
    Wait& operator=(const Wait&) = delete;

    bool await_ready() const noexcept { return false; }
    template <std::derived_from<Frame> Promise>
    bool await_suspend(std::coroutine_handle<Promise> frame) {
        return suspend(frame.promise());
    }

protected:
    Wait() noexcept = default;
    virtual ~Wait() {
        if (root_ != nullptr && root_->wait_ == this) root_->wait_ = nullptr;
    }

    /// Begins. True: it waits, and will call `resume` or `resume_later`; false: it is done already,
    /// and the task goes on without being suspended. Called once for each await.
    virtual bool start() = 0;
    /// Takes back what would call `resume`. False: it cannot, and the task goes on waiting.
    virtual bool give_up() noexcept = 0;
    /// Too much was done at once in this visit: `start` is called later. May throw.
    virtual void put_off() {}

    /// Lets the task go on, which may destroy this object: the last thing that a callback does.
    void resume() { root_->resume(); }
    /// Has the loop resume the task, later in this turn or in the next: for where nobody may be
    /// called. `start` is not called any more.
    void resume_later() noexcept {
        put_off_ = false;
        root_->resume_later();
    }
    /// `finish` will throw this.
    void fail(std::exception_ptr failure) noexcept { failure_ = std::move(failure); }
    /// To be called first by `await_resume`. Throws `Cancelled`, and what `fail` was given.
    void finish() const {
        if (cancelled_ || failure_ != nullptr) [[unlikely]]
            throw_failure();
    }

    EventLoop& loop() const noexcept { return root_->loop(); }

    /// Takes `resume_later` back.
    void stay() noexcept { root_->Root::InReady::unlink(); }

    /// Marks the frame as waiting here, whatever its domain: for what begins in a stopped task too.
    void wait_in(Frame& frame) noexcept;

private:
    friend class Root;
    friend class ScopeCore;
    bool suspend(Frame& frame);
    bool begin_late() noexcept;
    bool stop() noexcept;
    [[noreturn]] void throw_failure() const;

    Root* root_ = nullptr;
    std::exception_ptr failure_;
    bool cancelled_ = false;
    bool put_off_ = false; // until the next visit: `start` is yet to be called
};

} // namespace pollux::coro
