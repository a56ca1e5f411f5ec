#pragma once

#include <cassert>
#include <cstddef>
#include <exception>
#include <memory>
#include <optional>
#include <pollux/event_loop.hpp>
#include <pollux/function.hpp>
#include <type_traits>
#include <utility>
#include <variant>

namespace pollux {

struct WorkerPoolOptions {
    std::size_t threads = 2;        ///< At least 1.
    std::size_t queue_limit = 1024; ///< How many pieces of work may wait for a thread. At least 1.
};

/// What a piece of work gave: its value, or what it threw. `Value` may be void.
template <class Value> class WorkResult {
public:
    /// The value, which is moved out: to be asked once. Rethrows what the work threw.
    Value get() {
        assert(outcome_.index() != none);
        if (failed()) std::rethrow_exception(std::get<thrown>(outcome_));
        if constexpr (!std::is_void_v<Value>) return std::get<value>(std::move(outcome_));
    }
    /// Whether `get` throws.
    bool failed() const noexcept { return outcome_.index() == thrown; }

    /// Calls `work` and keeps what it gives or throws.
    template <class Work> void take_from(Work& work) {
        try {
            if constexpr (std::is_void_v<Value>) {
                work();
                outcome_.template emplace<value>();
            } else {
                outcome_.template emplace<value>(work());
            }
        } catch (...) {
            outcome_.template emplace<thrown>(std::current_exception());
        }
    }

private:
    enum Place : std::size_t { none, value, thrown };
    using Kept = std::conditional_t<std::is_void_v<Value>, std::monostate, Value>;

    std::variant<std::monostate, Kept, std::exception_ptr> outcome_;
};

/// Threads for work that blocks or takes long (files, passwords, names), so that no loop waits for
/// it. The result comes back on the loop's thread. Work begins in the order of `submit`; with more
/// than one thread it may end in another.
///
/// The threads start in the constructor, and have all signals blocked: handlers and `SignalWatch`
/// of the program are not disturbed. One pool may serve several loops, and must be destroyed before
/// any of them, even one that has had all its results.
///
/// fork(2): the child has none of the threads. There `submit` throws `std::logic_error`, and
/// destroying the pool does nothing: what waited is left alone, neither run nor destroyed. Make
/// another pool in the child. Fork when no work is under way if the child is to go on with the
/// loop: a thread that posts a result at that moment leaves it unusable (`EventLoop::after_fork`).
class WorkerPool {
public:
    /// Throws `std::invalid_argument` when an option is zero, and `std::system_error` when a thread
    /// cannot be had (EAGAIN, see pthread_create(3)); then there is none.
    explicit WorkerPool(WorkerPoolOptions options = {});
    /// Waits until the work that runs is done, and drops what has not begun: its callables are
    /// destroyed on this thread and not called. What was posted before is still called by its
    /// loop; after this nothing more is posted. Not to be called by a piece of work (it would
    /// wait for itself).
    ~WorkerPool();
    WorkerPool(const WorkerPool&) = delete;
    WorkerPool& operator=(const WorkerPool&) = delete;

    /// Runs `work()` on one of the threads, and then `on_done(WorkResult<what work returns>)` on
    /// the loop's thread, behind what the work posted there. From any thread; never blocks. Both
    /// callables may be move-only. `work` is destroyed on the thread that ran it, `on_done` by the
    /// loop.
    ///
    /// False: too much work waits. Then neither callable was moved from. Throws `std::bad_alloc`.
    /// Once it is taken a result is never lost: the memory that it comes back in is had already.
    template <class Work, class Done>
    [[nodiscard]] bool submit(EventLoop& loop, Work&& work, Done&& on_done) {
        Place place{*this};
        if (!place) return false;
        using ThisPiece = Piece<std::decay_t<Work>, std::decay_t<Done>>;
        place.fill(loop, [piece = std::make_unique<ThisPiece>(
                              std::forward<Work>(work), std::forward<Done>(on_done))]() mutable {
            piece->result.take_from(*piece->work);
            piece->work.reset();
            return Task{[done = std::move(piece)] { done->on_done(std::move(done->result)); }};
        });
        return true;
    }

    /// How many pieces of work have not begun. From any thread.
    std::size_t waiting() const noexcept;

private:
    template <class Work, class Done> struct Piece {
        template <class W, class D>
        Piece(W&& given, D&& done)
            : work{std::in_place, std::forward<W>(given)}, on_done{std::forward<D>(done)} {}

        using Value = std::remove_cvref_t<std::invoke_result_t<Work&>>;
        std::optional<Work> work;
        Done on_done;
        WorkResult<Value> result;
    };

    /// Runs the work and gives what is to be posted.
    using Run = UniqueFunction<Task()>;
    struct Threads;

    // A place in the queue is taken before the callables are, and given back when it is not filled.
    class Place {
    public:
        explicit Place(WorkerPool& pool);
        ~Place();
        Place(const Place&) = delete;
        Place& operator=(const Place&) = delete;

        explicit operator bool() const noexcept { return threads_ != nullptr; }
        void fill(EventLoop& loop, Run run);

    private:
        Threads* threads_;
    };

    std::unique_ptr<Threads> threads_;
};

} // namespace pollux
