#pragma once

// What an EventLoop, its watches and its timers share. It outlives the loop while one of them is
// left, so that touching them stays legal.

#include <array>
#include <atomic>
#include <list>
#include <memory>
#include <pollux/event_loop.hpp>
#include <span>
#include <thread>
#include <vector>

#include "posted_tasks.hpp"
#include "process_mark.hpp"
#include "slab.hpp"
#include "timer_queue.hpp"
#include "wake_up.hpp"
#include "watch_slot.hpp"

namespace pollux {

class LoopCore {
public:
    LoopCore(EventLoop::ReactorFactory make_reactor, const LoopOptions& options);
    ~LoopCore() = default;
    LoopCore(const LoopCore&) = delete;
    LoopCore& operator=(const LoopCore&) = delete;

    /// The loop is gone: frees what can be freed, and this object with the last watch and timer.
    void close() noexcept;

    // Watches. `slot_of` throws std::logic_error for a watch of nothing; null: the loop is gone.
    Watch watch(int fd, Interest interest, Trigger trigger, ReadyFunction on_ready,
                std::source_location where);
    static WatchSlot* slot_of(const Watch& watch, const char* operation);
    WatchSlot* find(Token token) noexcept;
    void set_interest(WatchSlot& slot, Token token, Interest interest);
    void pause(WatchSlot& slot) noexcept;
    void put_on_ready_list(WatchSlot& slot, Token token, Readiness ready);
    void release(Token token) noexcept;

    // Timers.
    Timer make_timer(Clock::time_point due, Clock::duration interval, Task task);
    void arm(std::uint64_t id, Clock::time_point due);
    void cancel(std::uint64_t id) noexcept;
    void release_timer(std::uint64_t id) noexcept;
    bool armed(std::uint64_t id) noexcept;

    // From any thread.
    void post(Task&& task);
    /// The same for the one task of a list, which takes no memory and so cannot fail. A closed loop
    /// leaves it where it is.
    void post(std::list<Task>& one) noexcept;
    void wake() noexcept;
    void stop() noexcept;

    void run();
    std::size_t run_once(Timeout timeout);
    Timeout time_to_wait();
    Clock::time_point now() noexcept;
    std::span<std::byte> scratch();
    void after_fork();

    Reactor& reactor() noexcept { return *reactor_; }
    void observe(LoopObserver* observer) noexcept {
        observer_ = observer;
        attention_ = true;
        look_up_at_ = nullptr;
    }

private:
    struct Call;     // one callback
    struct Delivery; // of a batch
    struct Turning;  // one run, with its checks

    void open_wake_up();
    bool is_turning() const noexcept {
        return thread_.load(std::memory_order_relaxed) != std::thread::id{};
    }
    void check_thread() const;
    void check_process(const char* operation) const {
        if (!process_.is_current()) [[unlikely]]
            refuse(operation, "this loop belongs to the parent process; call after_fork first");
    }
    [[noreturn, gnu::cold]] static void refuse(const char* operation, const char* why);

    // A turn, part by part.
    std::size_t turn(Timeout limit);
    std::size_t long_turn(Timeout limit);
    void finish_turn();
    void collect(Timeout limit);
    std::span<const Event> wait(Timeout timeout);
    std::span<const Event> look_then_sleep(Timeout timeout);
    std::span<const Event> wait_observed(Timeout timeout);
    void deliver(std::span<const Event> batch);
    void dispatch(const Event& event);
    void interrupt(const Event* next, const Event* end) noexcept;
    void leave(const Event* next, const Event* end) noexcept;
    void withhold(WatchSlot* slot, Readiness ready);
    void deliver_one(const Event& event);
    void serve(Token token);
    void call(WatchSlot& slot, Readiness ready);
    void end_call() noexcept;
    void run_posted();
    void run_task(Task& task);
    void wake_for_tasks() noexcept;
    bool has_leftovers() const noexcept;
    bool has_work() const noexcept;
    Timeout until_next_timer();

    void attach(WatchSlot& slot, Token token);
    void renew(WatchSlot& slot, Token token, Interest before);
    void detach(WatchSlot& slot) noexcept;
    void queue_always_ready(WatchSlot& slot, Token token);
    std::uint32_t owner_of(int fd) const noexcept;
    void own(WatchSlot& slot);
    static void refresh_mask(WatchSlot& slot) noexcept;
    void free_slot(WatchSlot& slot) noexcept;
    std::unique_ptr<Reactor> fresh_reactor();
    void replace_reactor();
    void drive_out_ghosts();
    void delete_if_unused() noexcept;

    EventLoop::ReactorFactory make_reactor_;
    const LoopOptions options_;
    std::unique_ptr<Reactor> reactor_;
    Slab<WatchSlot, 128> watches_;
    std::vector<std::uint32_t> owner_of_; // descriptor -> index of its watch

    // Something is at hand beside what the kernel reports: leftovers, the ready list, timers, tasks
    // that tasks posted, a wake-up that was not written, an observer, ghosts; or a budget to spin.
    // May be set for nothing: the turn that follows looks and clears it, see `finish_turn`.
    bool attention_ = false;
    // Of this turn.
    bool now_is_known_ = false;
    bool expects_stale_ = false; // a watch was given up or paused since the batch was fetched
    bool batch_is_void_ = false; // it was the parent's
    bool saw_ghost_ = false;     // the kernel reports what is not watched
    std::size_t calls_ = 0;      // callbacks made
    const Event* look_up_at_ = nullptr; // up to there a batch is delivered without looking up
    WatchSlot* running_ = nullptr;
    LoopObserver* observer_ = nullptr;

    // What an exception left of a batch.
    const Event* next_event_ = nullptr;
    const Event* batch_end_ = nullptr;

    std::vector<Token> queued_; // ready list of the next turn
    std::vector<Token> round_;  // ready list of this turn
    std::size_t next_ready_ = 0;

    TimerQueue timers_;
    Clock::time_point now_{};

    // What others use when they post, wake or stop, apart from what the loop works with: first what
    // is read by all and hardly ever written.
    alignas(cache_line) ProcessMark process_; // that this loop belongs to
    std::atomic<std::thread::id> thread_{};   // that the loop runs on
    std::atomic<bool> stop_{false};
    WakeUp wake_up_;
    PostedTasks posted_;

    Watch wake_up_watch_;
    std::unique_ptr<std::byte[]> scratch_;
    bool closed_ = false;
};

} // namespace pollux
