#pragma once

#include <cstddef>
#include <exception>
#include <memory>
#include <optional>
#include <pollux/coro/cancelled.hpp>
#include <pollux/coro/task.hpp>
#include <pollux/coro/wait.hpp>
#include <pollux/event_loop.hpp>
#include <pollux/function.hpp>
#include <stop_token>

namespace pollux::coro {

/// Awaited, it waits until all tasks of a scope have ended. Made by `Scope::join`.
class Join final : public Wait {
public:
    ~Join() override;

    template <std::derived_from<Frame> Promise>
    bool await_suspend(std::coroutine_handle<Promise> frame) {
        return wait_for_all(frame.promise());
    }
    void await_resume();

private:
    friend class Scope;
    friend class ScopeCore;
    explicit Join(std::shared_ptr<ScopeCore> scope) noexcept : scope_{std::move(scope)} {}
    bool wait_for_all(Frame& frame);
    bool start() override { return true; }
    bool give_up() noexcept override;

    std::shared_ptr<ScopeCore> scope_;
    const Domain* domain_ = nullptr;
};

/// Owns tasks that run side by side on one loop. None outlives it.
///
///     coro::Task<> serve(coro::Stream client) { … }
///     coro::Task<> accept_all(coro::Scope& clients, coro::Acceptor acceptor) {
///         for (;;) clients.start(serve({clients.loop(), co_await acceptor.accept()}));
///     }
///     …
///     coro::Task<> run(EventLoop& loop, coro::Scope& clients, Socket listening) {
///         try {
///             clients.start(accept_all(clients, {loop, std::move(listening)}));
///             co_await clients.join();
///         } catch (const coro::Cancelled&) {
///         }
///         loop.stop();
///     }
///     …
///     EventLoop loop;
///     coro::Scope clients{loop};
///     clients.set_on_error([](std::exception_ptr) {}); // what fails for one ends no other
///     coro::Scope program{loop};
///     program.start(run(loop, clients, Socket::listen(address)));
///     SignalWatch leave{loop, {SIGINT, SIGTERM}, [&](int) { program.request_stop(); }};
///     loop.run();
///
/// A scope may stand in a frame of another task, to run several things at once and wait for all:
///
///     coro::Scope both{loop};
///     both.start(upload(a));
///     both.start(upload(b));
///     co_await both.join();
///
/// **Stopping** is asking: `request_stop`, or the token, has each task go on where it waits with
/// the exception `Cancelled`, and so does every `co_await` after that. Destructors run, and the
/// task ends. One that has something to await even then, a farewell to its peer, puts `stoppable`
/// around the part that is to be stopped, and runs in a scope that is not. **Destroying** the scope
/// asks nobody: each task's frames are destroyed where it waits, the innermost first.
///
/// **Errors.** `Cancelled` that leaves a task is its proper end. Another exception goes to the
/// function of `set_on_error`; without one to whoever waits in `join`, and the other tasks are
/// asked to stop; else it leaves `start`, or the loop's `run` as that of any callback.
///
/// All is called on the loop's thread, but for `request_stop` and what the token does. The scope is
/// to be used and stopped only while its loop lives; it may be destroyed after it. Starting a task
/// allocates twice: its frame, and its place in the scope.
class Scope {
public:
    /// When a stop is requested of `stop`, in any thread, one is of the scope.
    explicit Scope(EventLoop& loop, std::stop_token stop = {});
    /// Destroys the tasks that are left. Legal anywhere, in one of its own tasks too: that one goes
    /// on until it awaits something or ends, and is destroyed then.
    ~Scope();
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

    /// Takes the task and runs it at once, until it waits for the first time or ends. Throws
    /// `std::bad_alloc`, `std::logic_error` for a task that was awaited or started before, and what
    /// the task throws at once when nobody else is to be told. While the scope is being destroyed
    /// the task is dropped instead.
    void start(Task<void> task);

    /// Asks all tasks to stop, those too that are started later. They go on in the loop, later in
    /// this turn or in the next. From any thread.
    void request_stop() noexcept;
    bool stop_requested() const noexcept;

    /// How many tasks there are.
    std::size_t size() const noexcept;
    EventLoop& loop() const noexcept;

    /// `co_await scope.join()` waits until there is no task, and rethrows the first exception that
    /// left one meanwhile. When the task that waits is asked to stop, those of the scope are, and
    /// `Cancelled` is thrown when all have ended. One task at a time may wait, of the same loop and
    /// not of this scope; else throws `std::logic_error`.
    [[nodiscard]] Join join() noexcept { return Join{core_}; }

    /// Tells of exceptions, one task at a time; the task is gone then. It may destroy the scope,
    /// and may throw, but not replace itself.
    void set_on_error(UniqueFunction<void(std::exception_ptr)> on_error);

private:
    struct Stop {
        ScopeCore* scope;
        void operator()() const noexcept;
    };

    std::shared_ptr<ScopeCore> core_;
    std::optional<std::stop_callback<Stop>> on_stop_;
};

} // namespace pollux::coro
