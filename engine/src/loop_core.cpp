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

// No look takes less, so that so many of them end a budget too: under a clock that stands still,
// which is a test's, a loop would look for ever.
constexpr std::chrono::nanoseconds shortest_look{50};

} // namespace

LoopCore::LoopCore(EventLoop::ReactorFactory make_reactor, const LoopOptions& options)
    : make_reactor_{std::move(make_reactor)}, options_{options}, reactor_{fresh_reactor()} {
    if (options_.spin > Clock::duration::zero()) attend();
    open_wake_up();
}

void LoopCore::open_wake_up() {
    wake_up_.open();
    wake_up_watch_ = watch(
        wake_up_.descriptor(), Interest::read, Trigger::level,
        [this](Readiness) {
            wake_up_.take();
            attend();
            --calls_; // nobody's callback
        },
        std::source_location::current());
}

void LoopCore::close() noexcept {
    if (is_turning() && (process_.is_current() || thread_.load() == this_thread())) {
        assert(false && "an EventLoop was destroyed in its own callback");
        std::terminate();
    }
    wake_up_watch_.stop();
    // Callables go while the rest stands: their destructors may give up watches and timers, and
    // post, which is in vain.
    closed_ = true;
    posted_.close();
    for (std::uint32_t index = 0; index < watches_.size(); ++index)
        const ReadyFunction callable = std::move(watches_[index].on_ready);
    timers_.clear();
    reactor_.reset();
    delete_if_unused();
}

void LoopCore::delete_if_unused() noexcept {
    if (closed_ && reactor_ == nullptr && watches_.live() == 0 && timers_.live() == 0) delete this;
}

void LoopCore::refuse(const char* operation, const char* why) {
    throw std::logic_error{std::string{"EventLoop::"} + operation + ": " + why};
}

// --- other threads ---------------------------------------------------------------------------

void LoopCore::post(Task&& task) {
    check_process("post");
    wake_for_tasks(posted_.add(std::move(task)));
}

void LoopCore::post(std::list<Task>& one) noexcept { wake_for_tasks(posted_.add(one)); }

// This thread asks also for what is not the first: who added that may not have woken the loop yet,
// and what a task posts runs in the next turn.
void LoopCore::wake_for_tasks(bool is_first) noexcept {
    if (is_turning_here()) {
        wake_up_.ask_here();
        attend();
    } else if (is_first) {
        wake();
    }
}

void LoopCore::wake() noexcept {
    // In a child the eventfd is the parent's until after_fork.
    if (process_.is_current()) wake_up_.ask();
}

void LoopCore::stop() noexcept {
    if (!process_.is_current()) return;
    stop_.store(true);
    if (is_turning_here()) attend(); // at the end of this turn
    wake();
}

// --- what a turn begins and ends with --------------------------------------------------------

bool LoopCore::has_leftovers() noexcept {
    return next_event_ != batch_end_ || next_ready_ < round_.size() || timers_.has_leftovers() ||
           posted_.any_taken();
}

bool LoopCore::has_work() const noexcept { return !queued_.empty() || wake_up_.has_been_asked(); }

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
    if (saw_ghost_) drive_out_ghosts();
    if (!changed_.empty()) tell_changes();
    const bool only_looks = limit <= Timeout::zero() || has_work();
    const Timeout timeout = only_looks ? Timeout::zero() : std::min(limit, until_next_timer());
    round_.clear();
    round_.swap(queued_);
    next_ready_ = 0;
    expects_stale_ = false;
    const auto batch = observer_ == nullptr ? wait(timeout) : wait_observed(timeout);
    next_event_ = batch.data();
    batch_end_ = batch.data() + batch.size();
}

std::span<const Event> LoopCore::wait_observed(Timeout timeout) {
    const Clock::time_point start = Clock::now();
    const std::span<const Event> batch = wait(timeout);
    observer_->on_wait(timeout, batch.size(), Clock::now() - start);
    return batch;
}

std::span<const Event> LoopCore::wait(Timeout timeout) {
    if (timeout > Timeout::zero()) {
        if (options_.spin > Clock::duration::zero()) return look_then_sleep(timeout);
        if (wake_up_.attentive() && !wake_up_.may_sleep()) timeout = Timeout::zero();
    }
    return reactor_->wait(timeout);
}

// Who is busy finds something in the first look, so that needs no clock. Each turn looks in the
// kernel at least once, however often others ask.
std::span<const Event> LoopCore::look_then_sleep(Timeout timeout) {
    if (!wake_up_.attentive()) wake_up_.attend();
    const Clock::duration budget = std::min(options_.spin, timeout);
    std::int64_t looks_left = budget / shortest_look;
    Clock::duration looked{};
    for (Clock::time_point start{}; looked < budget && looks_left >= 0; --looks_left) {
        const std::span<const Event> found = reactor_->wait(Timeout::zero());
        if (!found.empty() || wake_up_.has_been_asked() || wake_up_.asked_soon()) return found;
        const Clock::time_point now = Clock::now();
        if (start == Clock::time_point{}) start = now;
        looked = now - start;
    }
    if (looked >= timeout || !wake_up_.may_sleep()) return {};
    return reactor_->wait(timeout == forever ? forever : timeout - looked);
}

// What a thread posted before its result was there comes before it.
void LoopCore::run_posted() {
    if (!posted_.any_taken()) posted_.take();
    while (posted_.any_taken()) {
        const PostedTasks::Next next{posted_};
        run_task(*next);
    }
}

void LoopCore::run_task(Task& task) {
    ++calls_;
    LoopObserver* const watching = observer_;
    if (watching == nullptr) return task();
    const Clock::time_point start = Clock::now();
    task();
    if (watching == observer_) watching->on_task(Clock::now() - start);
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
    if (thread_.load() != this_thread()) {
        // The thread that ran the loop, if any, did not come along.
        running_ = nullptr;
        thread_.store(nullptr);
    }
    replace_reactor();
    for (std::uint32_t index = 0; index < watches_.size(); ++index)
        if (watches_[index].always_ready) queue_always_ready(watches_[index], token_of(index));
    process_.renew();
    try {
        open_wake_up();
    } catch (...) {
        process_.forget();
        throw;
    }
    if (wake_up_.leave()) wake(); // asked for before the fork, or since
    wake_up_.ask_here();          // and the loop may have been about to take what was posted
    attend();
}

} // namespace pollux
