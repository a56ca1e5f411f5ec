#pragma once

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <pollux/coro/wait.hpp>
#include <pollux/event_loop.hpp>
#include <pollux/worker_pool.hpp>
#include <thread>
#include <type_traits>
#include <utility>

namespace pollux {
class PostPlace;
class ProcessMark;
} // namespace pollux

namespace pollux::coro {

class Away;

/// Work that is on its way to another thread, there, or on its way back.
class Errand : public std::enable_shared_from_this<Errand> {
public:
    Errand(EventLoop& home, Away& awaiting);
    virtual ~Errand();
    Errand(const Errand&) = delete;
    Errand& operator=(const Errand&) = delete;

    /// On the thread of the awaiting task. False: the work has begun.
    bool skip() noexcept;
    /// As `skip`, but waits for work that has begun, unless this is called by it; work that has not
    /// is destroyed, for what it keeps may refer to the frame that goes.
    void abandon() noexcept;
    bool was_dropped() const noexcept { return state_ == State::dropped; }

    /// What travels. Wherever it is destroyed, it sends the errand home.
    class Courier {
    public:
        explicit Courier(std::shared_ptr<Errand> errand) noexcept : errand_{std::move(errand)} {}
        Courier(Courier&&) noexcept = default;
        Courier& operator=(Courier&&) = delete;
        ~Courier() {
            if (errand_ != nullptr) errand_->go_home();
        }
        void operator()() { errand_->run(); }

    private:
        std::shared_ptr<Errand> errand_;
    };

protected:
    /// Does the work, keeps what it gives, and destroys it.
    virtual void perform() = 0;
    /// Destroys work that will not be done.
    virtual void drop() noexcept = 0;

private:
    enum class State : std::uint8_t { waiting, running, done, dropped };
    void run() noexcept;
    void go_home() noexcept;
    void come_home();
    std::unique_lock<std::mutex> lock_against_runner() noexcept;

    const std::unique_ptr<const ProcessMark> process_;
    EventLoop* home_;
    const std::unique_ptr<PostPlace> way_home_;
    Away* awaiting_; // null: given up; guarded by mutex_
    std::mutex mutex_;
    std::condition_variable ended_;
    State state_ = State::waiting; // guarded by mutex_
    std::thread::id runner_;
};

/// Waits for an errand.
class Away : public Wait {
protected:
    ~Away() override;
    virtual std::shared_ptr<Errand> pack() = 0;
    virtual void send(Errand::Courier courier) = 0;
    /// Throws when there is no result.
    void come_back() const;

private:
    friend class Errand;
    bool start() override;
    bool give_up() noexcept override;

    std::shared_ptr<Errand> errand_;
    bool asked_to_stop_ = false;
};

/// Made by `work` and `posted`. `Send` takes an `Errand::Courier` along.
template <class Work, class Send> class [[nodiscard]] DoneElsewhere final : public Away {
    using Value = std::remove_cvref_t<std::invoke_result_t<Work&>>;

public:
    template <class Given>
    DoneElsewhere(Given&& work, Send send)
        : work_{std::in_place, std::forward<Given>(work)}, send_{send} {}
    ~DoneElsewhere() override = default;

    Value await_resume() {
        come_back();
        return piece_->result.get();
    }

private:
    struct Piece final : Errand {
        Piece(EventLoop& home, Away& awaiting, Work&& given)
            : Errand{home, awaiting}, work{std::in_place, std::move(given)} {}
        void perform() override {
            result.take_from(*work);
            work.reset();
        }
        void drop() noexcept override { work.reset(); }
        std::optional<Work> work;
        WorkResult<Value> result;
    };

    std::shared_ptr<Errand> pack() override {
        auto piece = std::make_shared<Piece>(loop(), *this, *std::move(work_));
        work_.reset();
        piece_ = piece.get();
        return piece;
    }
    void send(Errand::Courier courier) override { send_(loop(), std::move(courier)); }

    std::optional<Work> work_;
    Send send_;
    Piece* piece_ = nullptr;
};

/// How a piece of work gets to a `WorkerPool`.
struct SendToPool {
    WorkerPool* pool;
    void operator()(EventLoop& home, Errand::Courier courier) const;
};
/// How a piece of work gets to another loop.
struct SendToLoop {
    EventLoop* loop;
    void operator()(EventLoop& home, Errand::Courier courier) const;
};

/// `co_await work(pool, [&] { return hash(password); })` runs the callable on a thread of the pool,
/// and gives its value, or throws what it throws, on the loop's thread. Throws
/// `std::system_error` EAGAIN when too much work waits, and ECANCELED when the pool is destroyed
/// before the work has begun.
///
/// The callable may refer to what the awaiting frame sees: a task that is asked to stop, while the
/// work runs, waits until it has ended and then gets `Cancelled`; **destroying** the task blocks
/// this thread until it has ended. Work that has not begun is skipped in both cases. Unlike other
/// awaits this one must have ended, or be destroyed, before the loop of the task is.
///
/// fork(2): the thread that works is not in the child. There the await never ends by itself;
/// stopping and destroying the task do not wait.
template <class Work>
DoneElsewhere<std::decay_t<Work>, SendToPool> work(WorkerPool& pool, Work&& callable) {
    return {std::forward<Work>(callable), SendToPool{&pool}};
}

/// `co_await posted(other, [&] { return other_sessions.size(); })` runs the callable on the thread
/// of another loop, as a posted task, and gives its value, or throws what it throws, on this loop's
/// thread. Throws `std::system_error` ECANCELED when the other loop is destroyed before. Stopping
/// and destroying as for `work`: so two loops whose tasks are destroyed must not run work for each
/// other that waits for the other's thread.
template <class Work>
DoneElsewhere<std::decay_t<Work>, SendToLoop> posted(EventLoop& other, Work&& callable) {
    return {std::forward<Work>(callable), SendToLoop{&other}};
}

} // namespace pollux::coro
