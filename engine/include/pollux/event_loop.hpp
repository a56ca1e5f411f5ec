#pragma once

#include <cstddef>
#include <memory>
#include <pollux/backend.hpp>
#include <pollux/clock.hpp>
#include <pollux/function.hpp>
#include <pollux/loop_observer.hpp>
#include <pollux/loop_options.hpp>
#include <pollux/reactor.hpp>
#include <pollux/timer.hpp>
#include <pollux/watch.hpp>
#include <source_location>
#include <span>

namespace pollux {

/// Calls whoever waits for a descriptor, a time or another thread. One turn is:
///
///     wait (until the next timer at most) -> call the watchers of ready descriptors
///         -> run due timers -> run posted tasks
///
/// One thread per loop: everything belongs to the thread that runs it, but for `post`, `wake` and
/// `stop`, which any thread may call. Debug builds check this. A loop that does not run yet may be
/// handed to another thread.
///
/// In any callback one may add, change or remove watches and timers, the running one included.
/// An exception thrown by a callback leaves `run`; the loop knows its place, and the next `run`
/// delivers the rest.
class EventLoop {
public:
    /// Makes a reactor. Called once by the constructor, and again when a fresh one is needed: after
    /// a fork, or when a descriptor was closed behind the loop's back. One-shot watches are armed
    /// in a fresh one.
    using ReactorFactory = UniqueFunction<std::unique_ptr<Reactor>()>;

    /// A loop on that backend. Throws `std::system_error` when the kernel refuses (EMFILE …), and
    /// what `default_backend` throws.
    explicit EventLoop(Backend backend = default_backend(), const LoopOptions& options = {});
    explicit EventLoop(ReactorFactory make_reactor, const LoopOptions& options = {});

    /// Watches and timers that are left stay legal to touch and do nothing. Destroying a loop in
    /// one of its own callbacks ends the program (assert, then std::terminate).
    ~EventLoop();
    EventLoop(const EventLoop&) = delete;
    EventLoop& operator=(const EventLoop&) = delete;

    /// Calls `on_ready` when the descriptor is ready. Throws `std::system_error` as `Reactor::add`,
    /// but a descriptor the kernel cannot wait for (a regular file, /dev/null) is always ready, on
    /// every backend: at level and exclusive trigger in every turn, at edge once per registration,
    /// resume or `again`, at one-shot once per arming. `where` is named when the descriptor is
    /// closed too early.
    [[nodiscard]] Watch watch(int fd, Interest interest, Trigger trigger, ReadyFunction on_ready,
                              std::source_location where = std::source_location::current());

    /// Runs `task` at that time, or as soon as possible after it; one that lies in the past runs in
    /// the next turn. Reads no clock.
    [[nodiscard]] Timer run_at(Clock::time_point due, Task task);
    /// Runs `task` after a delay counted from now; never early. Any length is accepted.
    [[nodiscard]] Timer run_after(Clock::duration delay, Task task);
    /// Runs `task` every `interval`, first after one. Runs that were missed are left out, and the
    /// others keep their times. Throws `std::invalid_argument` unless the interval is positive.
    [[nodiscard]] Timer run_every(Clock::duration interval, Task task);

    /// Runs `task`, which must not be empty, on the loop's thread, in the next turn when posted by
    /// a task. From any thread.
    void post(Task task);
    /// Makes the loop take a turn soon. From any thread and from a signal handler. Never blocks;
    /// many calls before the turn count as one.
    void wake() noexcept;
    /// Makes `run` return at the end of the turn. From any thread and from a signal handler. When
    /// the loop does not run, the next `run` returns after one turn that does not wait.
    void stop() noexcept;

    /// Takes turns until stopped. Throws what a callback throws, `std::system_error` when the
    /// kernel refuses to wait, and `std::logic_error` when called in one of this loop's callbacks
    /// or in a forked child that did not call `after_fork`.
    void run();
    /// Takes one turn, waiting for at most `timeout`; returns how many callbacks it made. Throws as
    /// `run`. `run_once(Timeout::zero())` is how another loop drives this one.
    std::size_t run_once(Timeout timeout = forever);

    /// How long a turn may wait now: zero when work is at hand, `forever` when there is no timer.
    Timeout time_to_wait();
    /// Readable when the kernel has events for this loop; -1 where the backend has no such
    /// descriptor. Another loop that drives this one watches it and keeps `time_to_wait`. It
    /// changes when a fresh reactor is made (see `ReactorFactory`): compare it after each
    /// `run_once`.
    int descriptor() const noexcept;

    /// The time of this turn, read at most once a turn: for deadlines that need not be exact.
    Clock::time_point now() noexcept;

    /// A buffer of 64 KiB that belongs to whoever is being called: read into it, use what came, and
    /// forget it before returning. Other callbacks use the same memory; in `on_data` of a
    /// connection it may hold the data.
    std::span<std::byte> scratch();

    /// Whether `watch` takes this trigger.
    bool supports(Trigger trigger) const noexcept;
    /// The name of the backend.
    std::string_view name() const noexcept;

    /// From now on `observer` sees each wait, dispatch, timer and task; null ends it. It stays the
    /// caller's and must outlive its use. Who is put on or taken off in a callback is not told of
    /// that one.
    void observe(LoopObserver* observer) noexcept;

    /// To be called first in a child that goes on using the loop after fork(2): gives it a fresh
    /// reactor with every live watch registered again, so that the parent's is never touched. A
    /// one-shot watch is armed in it. Until then using the loop in the child throws
    /// `std::logic_error`, but for arming a timer it has; `wake` and `stop` do nothing; destroying
    /// loop, watches and timers is fine. Timers and tasks that waited at the fork run in both
    /// processes. At the moment of the fork no other thread may be in `post`, and one that runs the
    /// loop must be waiting. Whose descriptor the child has closed is watched no longer. When the
    /// kernel refuses, throws `std::system_error` and may be called again.
    ///
    /// The descriptors themselves are those of both: who reads first has the bytes, and shutting
    /// down a socket (as `Connection::close` does) ends it for both. What a child does not go on
    /// with it destroys, or aborts; the parent has that still.
    void after_fork();

private:
    friend class PostPlace;

    LoopCore* core_;
};

} // namespace pollux
