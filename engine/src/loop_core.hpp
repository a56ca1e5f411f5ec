#pragma once

// What an EventLoop, its watches and its timers share. It outlives the loop while one of them is
// left, so that touching them stays legal.

#include <array>
#include <atomic>
#include <cassert>
#include <list>
#include <memory>
#include <pollux/event_loop.hpp>
#include <span>
#include <vector>

#include "posted_tasks.hpp"
#include "process_mark.hpp"
#include "slab.hpp"
#include "thread_mark.hpp"
#include "timer_queue.hpp"
#include "wake_up.hpp"
#include "watch_slot.hpp"

namespace pollux {

// What other threads write stands on cache lines of its own.
// NOLINTNEXTLINE(clang-analyzer-optin.performance.Padding)
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
    Timer make_timer(Clock::time_point due, Clock::duration interval, Task&& task);
    void arm(TimerSlot& slot, Clock::time_point due) noexcept;
    void cancel(TimerSlot& slot) noexcept;
    void release_timer(TimerSlot& slot) noexcept;

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
    Clock::time_point now() noexcept {
        if (!now_is_known_ || !is_turning()) {
            now_ = Clock::now();
            now_is_known_ = true;
        }
        return now_;
    }
    std::span<std::byte> scratch();
    void after_fork();

    Reactor& reactor() noexcept { return *reactor_; }
    void observe(LoopObserver* observer) noexcept {
        observer_ = observer;
        attend();
        look_up_at_ = nullptr;
    }

private:
    struct Call;     // one callback
    struct Delivery; // of a batch
    struct Turning;  // one run, with its checks

    void open_wake_up();
    bool is_turning() const noexcept { return thread_.load(std::memory_order_relaxed) != nullptr; }
    bool is_turning_here() const noexcept {
        return thread_.load(std::memory_order_relaxed) == this_thread();
    }
    void attend() noexcept { attention_.store(Attention::all, std::memory_order_relaxed); }
    bool needs_attention() const noexcept {
        return attention_.load(std::memory_order_relaxed) == Attention::all;
    }
    void check_thread() const {
        assert((!is_turning() || thread_.load(std::memory_order_relaxed) == this_thread() ||
                !process_.is_current()) &&
               "this loop runs on another thread: use post");
    }
    void check_process(const char* operation) const {
        if (!process_.is_current()) [[unlikely]]
            refuse(operation, "this loop belongs to the parent process; call after_fork first");
    }
    [[noreturn, gnu::cold]] static void refuse(const char* operation, const char* why);

    // A turn, part by part.
    void hand_over() noexcept;
    void short_turn(Timeout limit);
    void timed_turn(Timeout limit);
    void long_turn(Timeout limit);
    void finish_turn();
    void collect(Timeout limit);
    std::span<const Event> wait(Timeout timeout);
    std::span<const Event> look_then_sleep(Timeout timeout);
    std::span<const Event> wait_observed(Timeout timeout);
    void deliver(std::span<const Event> batch);
    void dispatch(const Event& event);
    void interrupt(const Event* next, const Event* end) noexcept;
    void leave(const Event* next, const Event* end) noexcept;
    void withhold(WatchSlot* slot, const Event& event);
    void deliver_one(const Event& event);
    void serve(Token token);
    void call(WatchSlot& slot, Readiness ready);
    void end_call() noexcept;
    void run_posted();
    void run_task(Task& task);
    void wake_for_tasks(bool is_first) noexcept;
    bool has_leftovers() noexcept;
    bool has_work() const noexcept;
    void start_timing() noexcept;
    Timeout until_next_timer();

    void attach(WatchSlot& slot, Token token);
    void renew(WatchSlot& slot, Token token, Interest before);
    void tell(WatchSlot& slot, Token token);
    void note_change(WatchSlot& slot, Token token);
    void tell_changes();
    void detach(WatchSlot& slot) noexcept;
    void queue_always_ready(WatchSlot& slot, Token token);
    // Null when whoever had that token is gone.
    WatchSlot* living(Token token) noexcept {
        WatchSlot& slot = watches_.at_place(place_of(token));
        return slot.generation == generation_of(token) ? &slot : nullptr;
    }
    Token token_of(std::uint32_t index) noexcept {
        return to_token(watches_.place(index), watches_[index].generation);
    }
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

    // What is at hand beside what the kernel reports. `all`: leftovers, the ready list, changes
    // that the kernel is still to be told, the first timer, tasks and a stop of this thread, a
    // wake-up, an observer, ghosts; or a budget to spin. What other threads bring comes with a
    // wake-up. May be too much: `finish_turn` looks again. Atomic for a signal handler's sake.
    enum class Attention : std::uint8_t { nothing, timers, all };
    std::atomic<Attention> attention_{Attention::nothing};
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

    std::vector<Token> changed_; // whose interest the reactor may have to be told

    std::vector<Token> queued_; // ready list of the next turn
    std::vector<Token> round_;  // ready list of this turn
    std::size_t next_ready_ = 0;

    TimerQueue timers_;
    Clock::time_point now_ = Clock::now(); // when it was read last

    // What others use when they post, wake or stop, apart from what the loop works with: first what
    // is read by all and hardly ever written.
    alignas(cache_line) ProcessMark process_; // that this loop belongs to
    std::atomic<ThreadMark> thread_{nullptr}; // that the loop runs on
    std::atomic<bool> stop_{false};
    WakeUp wake_up_;
    PostedTasks posted_;

    Watch wake_up_watch_;
    std::unique_ptr<std::byte[]> scratch_;
    bool closed_ = false;
};

} // namespace pollux
