// The part of LoopCore that takes turns: what each event costs is in here.

#include <algorithm>
#include <utility>

#include "loop_core.hpp"

namespace pollux {

// Marks the loop as running on this thread.
struct LoopCore::Turning {
    LoopCore& core;
    Turning(LoopCore& of, const char* operation) : core{of} {
        if (core.is_turning()) {
            core.check_process(operation);
            refuse(operation, "called in a callback of the same loop");
        }
        core.thread_.store(this_thread(), std::memory_order_relaxed);
    }
    [[gnu::always_inline]] ~Turning() {
        if (core.needs_attention()) core.hand_over();
        core.thread_.store(nullptr, std::memory_order_relaxed);
    }
    Turning(const Turning&) = delete;
    Turning& operator=(const Turning&) = delete;
};

// Who drives this loop, or takes the next turn, waits for the kernel's word: for the eventfd, and
// for what is asked of descriptors now.
void LoopCore::hand_over() noexcept {
    if (wake_up_.attentive() && wake_up_.leave()) wake();
    try {
        tell_changes();
    } catch (const std::bad_alloc&) { // the next turn tells them
    }
}

void LoopCore::run() {
    const Turning turning{*this, "run"};
    const struct Leaving {
        LoopCore& core;
        ~Leaving() { core.reactor_->leave_thread(); }
    } leaving{*this};
    Timeout limit = forever;
    if (stop_.load()) { // before the run: one turn that does not wait
        limit = Timeout::zero();
        attend();
    }
    do {
        switch (attention_.load(std::memory_order_relaxed)) {
        case Attention::all:
            long_turn(limit);
            break;
        case Attention::timers:
            timed_turn(forever);
            break;
        case Attention::nothing:
            do short_turn(forever);
            while (!needs_attention());
            finish_turn();
        }
    } while (!stop_.load());
    stop_.store(false);
}

std::size_t LoopCore::run_once(Timeout timeout) {
    const Turning turning{*this, "run_once"};
    calls_ = 0;
    switch (attention_.load(std::memory_order_relaxed)) {
    [[likely]] case Attention::nothing:
        short_turn(timeout);
        if (needs_attention()) finish_turn();
        break;
    case Attention::timers:
        timed_turn(timeout);
        break;
    case Attention::all:
        long_turn(timeout);
    }
    return calls_;
}

// Nothing is at hand but what the kernel reports: that is what one word, `attention_`, says before
// it, and is asked again after it.
inline void LoopCore::short_turn(Timeout limit) {
    check_process("run");
    now_is_known_ = expects_stale_ = batch_is_void_ = false;
    deliver(reactor_->wait(limit));
}

// The same with timers: most turns come before any of them is due, and need not ask for more than
// that. One look at the clock tells how long to wait, and none where it is not to wait; another,
// after it, serves all that ask for `now` in this turn.
void LoopCore::timed_turn(Timeout limit) {
    if (limit > Timeout::zero()) limit = std::min(limit, until_next_timer());
    short_turn(limit);
    if (needs_attention() || timers_.idle() || timers_.next_due() <= now()) finish_turn();
}

void LoopCore::long_turn(Timeout limit) {
    check_process("run");
    if (!has_leftovers()) collect(limit);
    now_is_known_ = batch_is_void_ = false;
    if (observer_ == nullptr)
        deliver({std::exchange(next_event_, nullptr), std::exchange(batch_end_, nullptr)});
    finish_turn();
}

// What a turn does after the short way through its batch, in this order.
void LoopCore::finish_turn() {
    attend(); // an exception may leave something of each
    while (next_event_ != batch_end_) deliver_one(*next_event_++);
    while (next_ready_ < round_.size()) serve(round_[next_ready_++]);
    if (!timers_.idle()) calls_ += timers_.run_due(now(), observer_);
    if (posted_.any_taken() || wake_up_.heard()) run_posted();
    const bool all = observer_ != nullptr || saw_ghost_ || !changed_.empty() || has_work() ||
                     wake_up_.attentive() || options_.spin > Clock::duration::zero();
    attention_.store(all              ? Attention::all
                     : timers_.idle() ? Attention::nothing
                                      : Attention::timers,
                     std::memory_order_relaxed);
}

// How far a batch is delivered. It lives in registers; only what an exception leaves of the batch
// is written down.
struct LoopCore::Delivery {
    LoopCore& core;
    const Event* next;
    const Event* const end;
    bool is_complete = false;
    [[gnu::always_inline]] ~Delivery() {
        if (!is_complete) core.interrupt(next, end);
    }
};

// The inner loop is what an event costs. It asks for nothing that only a callback can bring about:
// one that gives up its own watch, sets an observer or forks moves `look_up_at_`, and the loop ends
// after it.
inline void LoopCore::deliver(std::span<const Event> batch) {
    calls_ += batch.size();
    Delivery rest{*this, batch.data(), batch.data() + batch.size()};
    while (rest.next != rest.end) {
        look_up_at_ = rest.end;
        do dispatch(*rest.next++);
        while (rest.next < look_up_at_);
        if (look_up_at_ == rest.end) break;
        end_call();
        if (observer_ == nullptr && !batch_is_void_) continue;
        leave(rest.next, rest.end);
        break;
    }
    running_ = nullptr;
    rest.is_complete = true;
}

void LoopCore::interrupt(const Event* next, const Event* end) noexcept {
    end_call();
    leave(next, end);
}

// Leaves the rest of a batch to `finish_turn`, of this turn or, after an exception, of the next.
void LoopCore::leave(const Event* next, const Event* end) noexcept {
    calls_ -= static_cast<std::size_t>(end - next);
    attend();
    if (batch_is_void_) return;
    next_event_ = next;
    batch_end_ = end;
}

inline void LoopCore::dispatch(const Event& event) {
    WatchSlot* const slot = living(event.token);
    const Readiness ready = slot == nullptr ? Readiness::none : event.ready & slot->mask;
    if (ready == Readiness::none) [[unlikely]]
        return withhold(slot, event);
    running_ = slot; // so that it outlives its call, see `release`
    slot->on_ready(ready);
}

void LoopCore::withhold(WatchSlot* slot, const Event& event) {
    // Fetched before its watch was given up or paused in this turn; else the kernel still watches a
    // descriptor that was closed while a duplicate of it lives (epoll(7)).
    --calls_;
    if (slot == nullptr || !slot->registered) {
        if (expects_stale_) return;
        saw_ghost_ = true;
        attend();
    } else if (slot->queued) {
        slot->again = slot->again | event.ready; // its turn comes after the others
    }
}

// The callable of a watch that was given up while it ran was kept alive for that long.
void LoopCore::end_call() noexcept {
    WatchSlot* const ran = std::exchange(running_, nullptr);
    if (ran != nullptr && ran->doomed) free_slot(*ran);
}

// The longer way, for an observer's sake and for the ready list.
struct LoopCore::Call {
    LoopCore& core;
    Call(LoopCore& of, WatchSlot& slot) noexcept : core{of} {
        core.running_ = &slot;
        ++core.calls_;
    }
    ~Call() { core.end_call(); }
    Call(const Call&) = delete;
    Call& operator=(const Call&) = delete;
};

void LoopCore::call(WatchSlot& slot, Readiness ready) {
    const Call guard{*this, slot};
    LoopObserver* const watching = observer_; // the callback may change it
    if (watching == nullptr) return slot.on_ready(ready);
    const int fd = slot.fd;
    const Clock::time_point start = Clock::now();
    slot.on_ready(ready);
    if (watching == observer_ && fd != wake_up_.descriptor())
        watching->on_dispatch(fd, ready, Clock::now() - start);
}

void LoopCore::deliver_one(const Event& event) {
    WatchSlot* const slot = living(event.token);
    const Readiness ready = slot == nullptr ? Readiness::none : event.ready & slot->mask;
    if (ready != Readiness::none) return call(*slot, ready);
    ++calls_;
    withhold(slot, event);
}

void LoopCore::serve(Token token) {
    WatchSlot* const slot = find(token);
    if (slot == nullptr) return;
    slot->queued = false;
    const Readiness again = std::exchange(slot->again, Readiness::none);
    refresh_mask(*slot);
    const Readiness ready = again & slot->mask;
    if (slot->always_ready &&
        (slot->trigger == Trigger::level || slot->trigger == Trigger::exclusive))
        queue_always_ready(*slot, token); // before the call, which may throw
    if (ready != Readiness::none) call(*slot, ready);
}

} // namespace pollux
