#include "loop_core.hpp"

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <pollux/error.hpp>
#include <stdexcept>
#include <string>
#include <utility>

#include "process_mark.hpp"
#include "sys.hpp"

namespace pollux {
namespace {

constexpr std::size_t scratch_size = 65536;
constexpr auto nobody = static_cast<std::uint32_t>(-1);
constexpr Readiness hints = Readiness::peer_closed | Readiness::hang_up | Readiness::error;

SlabId to_slab_id(Token token) noexcept {
    const auto bits = static_cast<std::uint64_t>(token);
    return {static_cast<std::uint32_t>(bits), static_cast<std::uint32_t>(bits >> 32)};
}
Token to_token(SlabId id) noexcept {
    return static_cast<Token>(std::uint64_t{id.generation} << 32 | id.index);
}

// The three low bits of both types mean the same.
constexpr Readiness asked_for(Interest interest) noexcept {
    static_assert(static_cast<int>(Interest::read) == static_cast<int>(Readiness::readable) &&
                  static_cast<int>(Interest::write) == static_cast<int>(Readiness::writable) &&
                  static_cast<int>(Interest::urgent) == static_cast<int>(Readiness::urgent));
    return static_cast<Readiness>(interest);
}

// A watched descriptor was closed, or replaced, before its watch was gone.
void report_closed_too_early([[maybe_unused]] const WatchSlot& slot) noexcept {
#ifndef NDEBUG
    std::fprintf(stderr,
                 "pollux: descriptor %d was closed while it was watched (watch made at %s:%u)\n",
                 slot.fd, slot.where.file_name(), static_cast<unsigned>(slot.where.line()));
    std::abort();
#endif
}

// What only debug builds look for: select and poll cannot tell by themselves.
bool is_closed_unnoticed([[maybe_unused]] int fd) noexcept {
#ifndef NDEBUG
    return sys::fcntl(fd, F_GETFD, 0) < 0 && errno == EBADF;
#else
    return false;
#endif
}

} // namespace

// Marks the loop as running on this thread.
struct LoopCore::Turning {
    LoopCore& core;
    Turning(LoopCore& of, const char* operation) : core{of} {
        core.check_process(operation);
        if (core.turning_)
            throw std::logic_error{std::string{"EventLoop::"} + operation +
                                   ": called in a callback of the same loop"};
        core.turning_ = true;
        core.thread_.store(std::this_thread::get_id(), std::memory_order_relaxed);
    }
    ~Turning() {
        core.turning_ = false;
        core.thread_.store({}, std::memory_order_relaxed);
    }
    Turning(const Turning&) = delete;
    Turning& operator=(const Turning&) = delete;
};

LoopCore::LoopCore(EventLoop::ReactorFactory make_reactor)
    : make_reactor_{std::move(make_reactor)}, reactor_{make_reactor_()}, process_{process_mark()} {
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
        },
        std::source_location::current());
}

void LoopCore::close() noexcept {
    if (turning_) {
        assert(false && "an EventLoop was destroyed in its own callback");
        std::terminate();
    }
    wake_up_watch_.stop();
    closed_ = true;
    // Callables go while the rest stands: their destructors may give up watches and timers.
    tasks_.clear();
    posted_.clear();
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
            thread_.load(std::memory_order_relaxed) == std::this_thread::get_id()) &&
           "this loop runs on another thread: use post");
}

bool LoopCore::is_own_process() const noexcept { return process_ == process_mark(); }

void LoopCore::check_process(const char* operation) const {
    if (!is_own_process())
        throw std::logic_error{std::string{"EventLoop::"} + operation +
                               ": this loop belongs to the parent process; call after_fork first"};
}

// --- watches ---------------------------------------------------------------------------------

WatchSlot* LoopCore::find(Token token) noexcept {
    WatchSlot* const slot = watches_.find(to_slab_id(token));
    return slot == nullptr || slot->doomed ? nullptr : slot;
}

WatchSlot* LoopCore::slot_of(const Watch& watch, const char* operation) {
    if (watch.core_ == nullptr)
        throw std::logic_error{std::string{"Watch::"} + operation + ": nothing is watched"};
    LoopCore& core = *watch.core_;
    if (core.closed_) return nullptr;
    core.check_thread();
    core.check_process(operation);
    return core.find(watch.token_);
}

Watch LoopCore::watch(int fd, Interest interest, Trigger trigger, ReadyFunction on_ready,
                      [[maybe_unused]] std::source_location where) {
    check_thread();
    check_process("watch");
    const std::uint32_t index = watches_.take();
    WatchSlot& slot = watches_[index];
    slot.fd = fd;
    slot.interest = interest;
    slot.trigger = trigger;
    slot.again = Readiness::none;
    slot.registered = slot.always_ready = slot.paused = slot.queued = slot.doomed = false;
#ifndef NDEBUG
    slot.where = where;
#endif
    const Token token = to_token(watches_.id(index));
    try {
        attach(slot, token);
    } catch (...) {
        watches_.give_back(index);
        throw;
    }
    slot.on_ready = std::move(on_ready);
    return Watch{this, token};
}

// Registers with the reactor, or puts on the ready list what the kernel cannot wait for.
void LoopCore::attach(WatchSlot& slot, Token token) {
    const std::uint32_t owner = owner_of(slot.fd);
    if (owner != nobody && owner != slot.index && !watches_[owner].registered)
        throw_system_error(EEXIST, "watch", "descriptor " + std::to_string(slot.fd));
    bool can_wait = true;
    try {
        reactor_->add(slot.fd, token, slot.interest, slot.trigger);
    } catch (const std::system_error& error) {
        if (error.code().value() != EPERM) throw;
        can_wait = false;
    }
    try {
        own(slot);
        if (!can_wait) put_on_ready_list(slot, token, asked_for(slot.interest));
    } catch (...) {
        if (can_wait) reactor_->remove(slot.fd);
        throw;
    }
    slot.registered = can_wait;
    slot.always_ready = !can_wait;
    slot.paused = false;
    refresh_mask(slot);
}

// Takes the slot's registration back. False from the reactor means that the kernel had forgotten
// it.
void LoopCore::detach(WatchSlot& slot) noexcept {
    const bool registered = slot.registered;
    slot.registered = false;
    if (!registered || reactor_ == nullptr || !is_own_process()) return;
    if (!reactor_->remove(slot.fd) || is_closed_unnoticed(slot.fd)) report_closed_too_early(slot);
}

std::uint32_t LoopCore::owner_of(int fd) const noexcept {
    const auto number = static_cast<std::size_t>(fd); // negative: beyond every size
    return number < owner_of_.size() ? owner_of_[number] : nobody;
}

// One watch for each number. When the kernel took a number that has an owner already, the owner's
// descriptor was closed, and its watch is out of date.
void LoopCore::own(WatchSlot& slot) {
    const auto number = static_cast<std::size_t>(slot.fd);
    if (number >= owner_of_.size()) owner_of_.resize(number + 1, nobody);
    const std::uint32_t former = std::exchange(owner_of_[number], slot.index);
    if (former == nobody || former == slot.index) return;
    report_closed_too_early(watches_[former]);
    watches_[former].registered = false;
}

void LoopCore::refresh_mask(WatchSlot& slot) noexcept {
    const bool open = (slot.registered || slot.always_ready) && !slot.paused && !slot.queued;
    slot.mask = open ? asked_for(slot.interest) | hints : Readiness::none;
}

void LoopCore::set_interest(WatchSlot& slot, Token token, Interest interest) {
    const Interest before = std::exchange(slot.interest, interest);
    try {
        if (slot.paused) return attach(slot, token);
        if (slot.always_ready)
            put_on_ready_list(slot, token, asked_for(interest));
        else
            reactor_->modify(slot.fd, token, interest, slot.trigger);
    } catch (...) {
        slot.interest = before;
        throw;
    }
    refresh_mask(slot);
}

void LoopCore::pause(WatchSlot& slot) noexcept {
    detach(slot);
    slot.always_ready = false;
    slot.paused = true;
    refresh_mask(slot);
}

void LoopCore::put_on_ready_list(WatchSlot& slot, Token token, Readiness ready) {
    if (!slot.queued) queued_.push_back(token);
    slot.queued = true;
    slot.again = slot.again | ready;
    refresh_mask(slot);
}

void LoopCore::release(Token token) noexcept {
    WatchSlot* const slot = find(token);
    check_thread();
    detach(*slot);
    if (owner_of(slot->fd) == slot->index) owner_of_[static_cast<std::size_t>(slot->fd)] = nobody;
    slot->always_ready = false;
    slot->doomed = true;
    refresh_mask(*slot);
    gave_up_slots_ = true;
    if (slot != running_) free_slot(*slot);
    delete_if_unused();
}

// The destructor of the callable may be code that comes back here: nobody finds the slot meanwhile,
// and nobody gets it.
void LoopCore::free_slot(WatchSlot& slot) noexcept {
    { const ReadyFunction callable = std::move(slot.on_ready); }
    watches_.give_back(slot.index);
}

// Every live watch again, on a fresh reactor.
void LoopCore::replace_reactor() {
    std::unique_ptr<Reactor> fresh = make_reactor_();
    for (std::uint32_t index = 0; index < watches_.size(); ++index) {
        WatchSlot& slot = watches_[index];
        if (!slot.registered) continue;
        try {
            fresh->add(slot.fd, to_token(watches_.id(index)), slot.interest, slot.trigger);
        } catch (const std::system_error&) {
            slot.registered = false; // its descriptor is gone, or was given away
            refresh_mask(slot);
        }
    }
    reactor_ = std::move(fresh);
    saw_ghost_ = false;
}

// --- timers ----------------------------------------------------------------------------------

Timer LoopCore::make_timer(Clock::time_point due, Clock::duration interval, Task task) {
    check_thread();
    return Timer{this, timers_.make(due, interval, std::move(task))};
}

void LoopCore::arm(std::uint64_t id, Clock::time_point due) {
    check_thread();
    if (!closed_) timers_.arm(id, due);
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
    {
        const std::lock_guard lock{mutex_};
        posted_.push_back(std::move(task));
        has_posted_.store(true);
    }
    // On the loop's own thread the next turn finds it without being woken.
    if (thread_.load(std::memory_order_relaxed) != std::this_thread::get_id()) wake();
}

void LoopCore::wake() noexcept {
    if (woken_.exchange(true)) return;
    const int saved = errno; // may run in a signal handler
    const std::uint64_t one = 1;
    sys::write(wake_up_.get(), &one, sizeof one);
    errno = saved;
}

void LoopCore::stop() noexcept {
    stop_.store(true);
    wake();
}

// --- a turn ----------------------------------------------------------------------------------

void LoopCore::run() {
    const Turning turning{*this, "run"};
    do turn(stop_.load() ? Timeout::zero() : forever);
    while (!stop_.load());
    stop_.store(false);
}

std::size_t LoopCore::run_once(Timeout timeout) {
    const Turning turning{*this, "run_once"};
    return turn(timeout);
}

std::size_t LoopCore::turn(Timeout limit) {
    if (!has_leftovers()) collect(limit);
    std::size_t calls = deliver_events();
    calls += deliver_ready_list();
    if (!timers_.idle()) calls += timers_.run_due(now(), observer_);
    calls += run_posted();
    return calls;
}

bool LoopCore::has_leftovers() const noexcept {
    return next_event_ < batch_.size() || next_ready_ < round_.size() || timers_.has_leftovers() ||
           next_task_ < tasks_.size();
}

bool LoopCore::has_work() const noexcept { return !queued_.empty() || has_posted_.load(); }

Timeout LoopCore::until_next_timer() {
    if (timers_.idle()) return forever;
    return std::max(timers_.next_due() - Clock::now(), Timeout::zero());
}

Timeout LoopCore::time_to_wait() {
    return has_leftovers() || has_work() ? Timeout::zero() : until_next_timer();
}

void LoopCore::collect(Timeout limit) {
    check_process("run");
    if (saw_ghost_) replace_reactor();
    const Timeout timeout = has_work() ? Timeout::zero() : std::min(limit, until_next_timer());
    round_.clear();
    round_.swap(queued_);
    next_ready_ = 0;
    gave_up_slots_ = false;
    batch_ = {};
    next_event_ = 0;
    if (observer_ == nullptr) {
        batch_ = reactor_->wait(timeout);
    } else {
        const Clock::time_point start = Clock::now();
        batch_ = reactor_->wait(timeout);
        observer_->on_wait(timeout, batch_.size(), Clock::now() - start);
    }
    now_is_known_ = false;
}

std::size_t LoopCore::deliver_events() {
    const std::size_t count = batch_.size() - next_event_;
    while (next_event_ < batch_.size()) dispatch(batch_[next_event_++]);
    return count;
}

void LoopCore::dispatch(const Event& event) {
    WatchSlot* const slot = watches_.find(to_slab_id(event.token));
    if (slot == nullptr) {
        // Fetched before its watch was given up in this turn; else the kernel still watches a
        // descriptor that was closed while a duplicate of it lives (epoll(7)).
        saw_ghost_ = saw_ghost_ || !gave_up_slots_;
        return;
    }
    const Readiness ready = event.ready & slot->mask;
    if (ready != Readiness::none)
        call(*slot, ready);
    else if (slot->queued)
        slot->again = slot->again | event.ready; // its turn comes after the others
}

void LoopCore::call(WatchSlot& slot, Readiness ready) {
    // Keeps the callable alive while it runs, whoever gives up the watch meanwhile.
    struct Running {
        LoopCore& core;
        WatchSlot& slot;
        ~Running() {
            core.running_ = nullptr;
            if (slot.doomed) core.free_slot(slot);
        }
    };
    running_ = &slot;
    const Running running{*this, slot};
    if (observer_ == nullptr) [[likely]] {
        slot.on_ready(ready);
        return;
    }
    const int fd = slot.fd;
    const Clock::time_point start = Clock::now();
    slot.on_ready(ready);
    observer_->on_dispatch(fd, ready, Clock::now() - start);
}

std::size_t LoopCore::deliver_ready_list() {
    const std::size_t count = round_.size() - next_ready_;
    while (next_ready_ < round_.size()) serve(round_[next_ready_++]);
    return count;
}

void LoopCore::serve(Token token) {
    WatchSlot* slot = find(token);
    if (slot == nullptr) return;
    slot->queued = false;
    const Readiness again = std::exchange(slot->again, Readiness::none);
    refresh_mask(*slot);
    if (const Readiness ready = again & slot->mask; ready != Readiness::none) call(*slot, ready);
    slot = find(token);
    if (slot != nullptr && slot->always_ready && slot->trigger == Trigger::level)
        put_on_ready_list(*slot, token, asked_for(slot->interest));
}

std::size_t LoopCore::run_posted() {
    if (next_task_ == tasks_.size()) {
        tasks_.clear();
        next_task_ = 0;
        if (!has_posted_.load()) return 0;
        const std::lock_guard lock{mutex_};
        tasks_.swap(posted_);
        has_posted_.store(false);
    }
    const std::size_t count = tasks_.size() - next_task_;
    while (next_task_ < tasks_.size()) {
        const Clock::time_point start = observer_ == nullptr ? Clock::time_point{} : Clock::now();
        Task task = std::move(tasks_[next_task_++]);
        task();
        if (observer_ != nullptr) observer_->on_task(Clock::now() - start);
    }
    return count;
}

Clock::time_point LoopCore::now() noexcept {
    if (!now_is_known_ || !turning_) {
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
    batch_ = {}; // the parent's; the fresh reactor finds again what is ready
    next_event_ = 0;
    wake_up_watch_.stop(); // also the parent's, so nothing is taken back from the kernel
    process_ = process_mark();
    replace_reactor();
    open_wake_up();
    woken_.store(false);
}

} // namespace pollux
