#include "loop_core.hpp"

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <exception>
#include <pollux/error.hpp>
#include <stdexcept>
#include <string>
#include <utility>

#include "sys.hpp"

namespace pollux {
namespace {

constexpr std::size_t scratch_size = 65536;

// Out of the way of those who are not refused.
[[noreturn, gnu::cold, gnu::noinline]] void refuse(const char* operation, const char* why) {
    throw std::logic_error{std::string{"EventLoop::"} + operation + ": " + why};
}

} // namespace

// Marks the loop as running on this thread.
struct LoopCore::Turning {
    LoopCore& core;
    Turning(LoopCore& of, const char* operation) : core{of} {
        core.check_process(operation);
        if (core.is_turning()) [[unlikely]]
            refuse(operation, "called in a callback of the same loop");
        core.thread_.store(std::this_thread::get_id(), std::memory_order_relaxed);
    }
    ~Turning() { core.thread_.store({}, std::memory_order_relaxed); }
    Turning(const Turning&) = delete;
    Turning& operator=(const Turning&) = delete;
};

LoopCore::LoopCore(EventLoop::ReactorFactory make_reactor)
    : make_reactor_{std::move(make_reactor)}, reactor_{make_reactor_()} {
    open_wake_up();
}

void LoopCore::open_wake_up() {
    wake_up_.reset(check(sys::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC), "eventfd"));
    wake_up_watch_ = watch(
        wake_up_.get(), Interest::read, Trigger::level,
        [this](Readiness) {
            // First read, then clear: whoever wakes in between finds the flag set, and the turn
            // that is under way comes after what they did.
            std::uint64_t count = 0;
            sys::read(wake_up_.get(), &count, sizeof count);
            woken_.store(false);
            --calls_; // nobody's callback
        },
        std::source_location::current());
}

void LoopCore::close() noexcept {
    if (is_turning() && (process_.is_current() || thread_.load() == std::this_thread::get_id())) {
        assert(false && "an EventLoop was destroyed in its own callback");
        std::terminate();
    }
    wake_up_watch_.stop();
    // Callables go while the rest stands: their destructors may give up watches and timers, and
    // post, which is in vain.
    std::vector<Task> posted;
    std::list<Task> handed_in;
    {
        const std::lock_guard lock{mutex_};
        closed_ = true;
        posted.swap(posted_);
        handed_in.swap(handed_in_);
    }
    posted.clear();
    handed_in.clear();
    tasks_.clear();
    handed_out_.clear();
    for (std::uint32_t index = 0; index < watches_.size(); ++index)
        const ReadyFunction callable = std::move(watches_[index].on_ready);
    timers_.clear();
    reactor_.reset();
    delete_if_unused();
}

void LoopCore::delete_if_unused() noexcept {
    if (closed_ && reactor_ == nullptr && watches_.live() == 0 && timers_.live() == 0) delete this;
}

void LoopCore::check_thread() const {
    assert((thread_.load(std::memory_order_relaxed) == std::thread::id{} ||
            thread_.load(std::memory_order_relaxed) == std::this_thread::get_id() ||
            !process_.is_current()) &&
           "this loop runs on another thread: use post");
}

void LoopCore::check_process(const char* operation) const {
    if (!process_.is_current()) [[unlikely]]
        refuse(operation, "this loop belongs to the parent process; call after_fork first");
}

// --- timers ----------------------------------------------------------------------------------

Timer LoopCore::make_timer(Clock::time_point due, Clock::duration interval, Task task) {
    check_thread();
    check_process("run_at");
    attention_ = true;
    return Timer{this, timers_.make(due, interval, std::move(task))};
}

void LoopCore::arm(std::uint64_t id, Clock::time_point due) {
    check_thread();
    if (closed_) return;
    attention_ = true;
    timers_.arm(id, due);
}

void LoopCore::cancel(std::uint64_t id) noexcept {
    check_thread();
    timers_.cancel(id);
}

void LoopCore::release_timer(std::uint64_t id) noexcept {
    check_thread();
    timers_.release(id);
    delete_if_unused();
}

bool LoopCore::armed(std::uint64_t id) noexcept { return timers_.armed(id); }

// --- other threads ---------------------------------------------------------------------------

void LoopCore::post(Task task) {
    check_process("post");
    {
        const std::lock_guard lock{mutex_};
        if (closed_) return;
        posted_.push_back(std::move(task));
        has_posted_.store(true);
    }
    wake_for_tasks();
}

void LoopCore::post(std::list<Task>& one) noexcept {
    {
        const std::lock_guard lock{mutex_};
        if (closed_) return;
        handed_in_.splice(handed_in_.end(), one);
        has_posted_.store(true);
    }
    wake_for_tasks();
}

void LoopCore::wake_for_tasks() noexcept {
    // On the loop's own thread the next turn finds it without being woken. A loop that is being
    // woken clears `woken_` before it looks at `has_posted_`. Looking here leaves that flag in the
    // caches of both threads while one of them posts much.
    if (thread_.load(std::memory_order_relaxed) != std::this_thread::get_id() && !woken_.load())
        wake();
}

void LoopCore::wake() noexcept {
    // In a child the eventfd is the parent's until after_fork. To look at the flag first would not
    // do: a store of the caller's, as weak as it likes, must be seen by the turn that follows.
    if (!process_.is_current() || woken_.exchange(true)) return;
    const int saved = errno; // may run in a signal handler
    const std::uint64_t one = 1;
    sys::write(wake_up_.get(), &one, sizeof one);
    errno = saved;
}

void LoopCore::stop() noexcept {
    if (!process_.is_current()) return;
    stop_.store(true);
    wake();
}

// --- a turn ----------------------------------------------------------------------------------

void LoopCore::run() {
    const Turning turning{*this, "run"};
    Timeout limit = stop_.load() ? Timeout::zero() : forever;
    do {
        turn(limit);
        limit = forever;
    } while (!stop_.load());
    stop_.store(false);
}

std::size_t LoopCore::run_once(Timeout timeout) {
    const Turning turning{*this, "run_once"};
    return turn(timeout);
}

// The short turn: nothing is at hand but what the kernel reports. `attention_` is the one word that
// says so; whoever brings anything else sets it.
inline std::size_t LoopCore::turn(Timeout limit) {
    if (attention_) [[unlikely]]
        return long_turn(limit);
    check_process("run");
    now_is_known_ = expects_stale_ = batch_is_void_ = false;
    deliver(reactor_->wait(limit));
    if (attention_ || has_posted_.load()) [[unlikely]]
        finish_turn();
    return calls_;
}

std::size_t LoopCore::long_turn(Timeout limit) {
    if (!has_leftovers()) collect(limit);
    now_is_known_ = batch_is_void_ = false;
    calls_ = 0;
    if (observer_ == nullptr)
        deliver({std::exchange(next_event_, nullptr), std::exchange(batch_end_, nullptr)});
    finish_turn();
    return calls_;
}

// What a turn does after the short way through its batch, in this order.
void LoopCore::finish_turn() {
    attention_ = true; // an exception may leave something of each
    while (next_event_ != batch_end_) deliver_one(*next_event_++);
    while (next_ready_ < round_.size()) serve(round_[next_ready_++]);
    if (!timers_.idle()) calls_ += timers_.run_due(now(), observer_);
    if (has_tasks() || has_posted_.load()) run_posted();
    attention_ = observer_ != nullptr || saw_ghost_ || has_work() || !timers_.idle();
}

bool LoopCore::has_leftovers() const noexcept {
    return next_event_ != batch_end_ || next_ready_ < round_.size() || timers_.has_leftovers() ||
           has_tasks();
}

bool LoopCore::has_work() const noexcept { return !queued_.empty() || has_posted_.load(); }

Timeout LoopCore::until_next_timer() {
    if (timers_.idle()) return forever;
    return std::max(timers_.next_due() - Clock::now(), Timeout::zero());
}

Timeout LoopCore::time_to_wait() {
    return has_leftovers() || has_work() ? Timeout::zero() : until_next_timer();
}

// What the kernel refuses now is tried again in the next turn: the others are served meanwhile.
void LoopCore::drive_out_ghosts() {
    try {
        replace_reactor();
    } catch (const std::system_error&) {
    } catch (const std::bad_alloc&) {
    }
}

void LoopCore::collect(Timeout limit) {
    check_process("run");
    if (saw_ghost_) drive_out_ghosts();
    const bool only_looks = limit <= Timeout::zero() || has_work();
    const Timeout timeout = only_looks ? Timeout::zero() : std::min(limit, until_next_timer());
    round_.clear();
    round_.swap(queued_);
    next_ready_ = 0;
    expects_stale_ = false;
    const auto batch = observer_ == nullptr ? reactor_->wait(timeout) : wait_observed(timeout);
    next_event_ = batch.data();
    batch_end_ = batch.data() + batch.size();
}

std::span<const Event> LoopCore::wait_observed(Timeout timeout) {
    const Clock::time_point start = Clock::now();
    const std::span<const Event> batch = reactor_->wait(timeout);
    observer_->on_wait(timeout, batch.size(), Clock::now() - start);
    return batch;
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
    calls_ = batch.size();
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
    attention_ = true;
    if (batch_is_void_) return;
    next_event_ = next;
    batch_end_ = end;
}

inline void LoopCore::dispatch(const Event& event) {
    WatchSlot* const slot = watches_.find(to_slab_id(event.token));
    const Readiness ready = slot == nullptr ? Readiness::none : event.ready & slot->mask;
    if (ready == Readiness::none) [[unlikely]]
        return withhold(slot, event.ready);
    running_ = slot; // so that it outlives its call, see `release`
    slot->on_ready(ready);
}

void LoopCore::withhold(WatchSlot* slot, Readiness ready) {
    // Fetched before its watch was given up or paused in this turn; else the kernel still watches a
    // descriptor that was closed while a duplicate of it lives (epoll(7)).
    --calls_;
    if (slot == nullptr || !slot->registered) {
        if (!expects_stale_) attention_ = saw_ghost_ = true;
    } else if (slot->queued) {
        slot->again = slot->again | ready; // its turn comes after the others
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
    if (watching == observer_ && fd != wake_up_.get())
        watching->on_dispatch(fd, ready, Clock::now() - start);
}

void LoopCore::deliver_one(const Event& event) {
    WatchSlot* const slot = watches_.find(to_slab_id(event.token));
    const Readiness ready = slot == nullptr ? Readiness::none : event.ready & slot->mask;
    if (ready != Readiness::none) return call(*slot, ready);
    ++calls_;
    withhold(slot, event.ready);
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

// What a thread posted before its result was there comes before it.
void LoopCore::run_posted() {
    if (!has_tasks()) {
        tasks_.clear();
        next_task_ = 0;
        const std::lock_guard lock{mutex_};
        tasks_.swap(posted_);
        handed_out_.swap(handed_in_);
        has_posted_.store(false);
    }
    while (next_task_ < tasks_.size()) run_task(std::move(tasks_[next_task_++]));
    while (!handed_out_.empty()) {
        Task task = std::move(handed_out_.front());
        handed_out_.pop_front();
        run_task(std::move(task));
    }
}

void LoopCore::run_task(Task task) {
    ++calls_;
    LoopObserver* const watching = observer_;
    const Clock::time_point start = watching == nullptr ? Clock::time_point{} : Clock::now();
    task();
    if (watching != nullptr && watching == observer_) watching->on_task(Clock::now() - start);
}

Clock::time_point LoopCore::now() noexcept {
    if (!now_is_known_ || !is_turning()) {
        now_ = Clock::now();
        now_is_known_ = true;
    }
    return now_;
}

std::span<std::byte> LoopCore::scratch() {
    if (scratch_ == nullptr) scratch_ = std::make_unique_for_overwrite<std::byte[]>(scratch_size);
    return {scratch_.get(), scratch_size};
}

void LoopCore::after_fork() {
    // The parent's; the fresh reactor finds again what is ready.
    next_event_ = batch_end_ = look_up_at_ = nullptr;
    batch_is_void_ = true;
    wake_up_watch_.stop(); // also the parent's, so nothing is taken back from the kernel
    process_.forget();     // so it stays when the kernel refuses something: to be called again
    if (thread_.load() != std::this_thread::get_id()) {
        // The thread that ran the loop, if any, did not come along.
        running_ = nullptr;
        thread_.store({});
    }
    replace_reactor();
    for (std::uint32_t index = 0; index < watches_.size(); ++index)
        if (watches_[index].always_ready)
            queue_always_ready(watches_[index], to_token(watches_.id(index)));
    process_.renew();
    try {
        open_wake_up();
    } catch (...) {
        process_.forget();
        throw;
    }
    if (woken_.exchange(false)) wake(); // asked for before the fork, or since
}

} // namespace pollux
