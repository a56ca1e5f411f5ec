#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <pollux/backend.hpp>
#include <pollux/event_loop.hpp>
#include <pollux/function.hpp>
#include <type_traits>
#include <utility>

namespace pollux {

struct LoopPoolOptions {
    /// 0: one for each CPU that this thread may run on; sched_getaffinity(2).
    std::size_t loops = 0;
    /// Each thread stays on one of those CPUs; they are given out in turn.
    bool pinned = false;
    Backend backend = default_backend();
    LoopOptions loop{};
};

/// Event loops, each in a thread of its own, for a program that needs more than one core.
///
///     LoopPool pool;
///     pool.loop(1).post([] { … });                                             // and goes on
///     std::optional<Timer> tick;
///     pool.call(1, [&](EventLoop& loop) { tick = loop.run_every(…, [] { … }); }); // and waits
///     pool.wait();                                                 // until somebody stops it
///
/// What lives on a loop (watches, timers, connections) is made and destroyed on its thread, by
/// `call` or `post`; or, when its thread has ended, on any other. `ServerPool` does so by itself.
///
/// All loops end together: on `stop`, when one is stopped by itself (`EventLoop::stop`), and when
/// an exception leaves one; `wait` throws it. The loops stay until the pool is destroyed, and once
/// all threads have ended any thread may use them. What was posted and has not run waits.
///
/// The threads have all signals blocked: handlers and `SignalWatch` of the program are not
/// disturbed. fork(2): the child has none of the threads. There `call`, `await` and `wait` throw
/// `std::logic_error`, `stop` does nothing, and destroying the pool neither, so that what lives on
/// its loops is left alone. Make another pool in the child.
class LoopPool {
public:
    /// Makes the loops and starts the threads, all or none. Throws `std::system_error` when the
    /// kernel refuses a loop (EMFILE), a thread (EAGAIN, see pthread_create(3)) or the pinning.
    explicit LoopPool(LoopPoolOptions options = {});
    /// Stops, and waits until all threads have ended: not to be called on one of them. An exception
    /// that nobody asked for with `wait` is dropped. What was posted and did not run is destroyed.
    ~LoopPool();
    LoopPool(const LoopPool&) = delete;
    LoopPool& operator=(const LoopPool&) = delete;

    std::size_t size() const noexcept;
    /// From any thread; what other threads may do with a loop says `EventLoop`.
    EventLoop& loop(std::size_t place) noexcept;
    /// One loop after the other, in turn. From any thread.
    EventLoop& next() noexcept;
    /// Whether the calling thread is that of this loop.
    bool runs_here(std::size_t place) const noexcept;

    /// Calls `work(EventLoop&)` on the thread of that loop, waits, and gives what it returned or
    /// throws what it threw. On that very thread it is called at once. Throws `std::system_error`
    /// (ECANCELED), and nothing was called, when the loop has ended or ends first. Two loops that
    /// call each other wait for ever: let loops `post`.
    template <class Work> auto call(std::size_t place, Work&& work) {
        using Value = std::remove_cvref_t<std::invoke_result_t<Work&, EventLoop&>>;
        if constexpr (std::is_void_v<Value>) {
            call_or_throw(place, [&work](EventLoop& loop) { work(loop); });
        } else {
            std::optional<Value> value;
            call_or_throw(place, [&](EventLoop& loop) { value.emplace(work(loop)); });
            return *std::move(value);
        }
    }

    /// Calls `begin(EventLoop&, Task done)` on the thread of that loop, and waits until somebody
    /// has called `done`, on any thread: for what takes more than one turn. Throws what `begin`
    /// threw. False when the loop has ended or ends first, or when `done` was destroyed and not
    /// called; `begin` may have been called then. Throws `std::logic_error` on a thread of the
    /// pool.
    [[nodiscard]] bool await(std::size_t place, UniqueFunction<void(EventLoop&, Task)> begin);

    /// Makes all loops end, each after its turn. From any thread and from a signal handler. Does
    /// nothing when they are ending already, or have ended.
    void stop() noexcept;
    /// Waits until all threads have ended. Throws the first exception that left a loop, each time
    /// it is called; `std::logic_error` on a thread of the pool.
    void wait();

private:
    friend class LastCall;
    friend void tell_failure(LoopPool& pool, UniqueFunction<void()> told);
    void call_or_throw(std::size_t place, UniqueFunction<void(EventLoop&)> work);

    struct State;
    std::unique_ptr<State> state_;
};

} // namespace pollux
