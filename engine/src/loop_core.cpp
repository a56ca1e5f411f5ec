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
constexpr std::uint64_t nobodys = 0; // no process has this mark
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
            --calls_; // nobody's callback
        },
        std::source_location::current());
}

void LoopCore::close() noexcept {
    if (turning_ && (is_own_process() || thread_.load() == std::this_thread::get_id())) {
        assert(false && "an EventLoop was destroyed in its own callback");
        std::terminate();
    }
    wake_up_watch_.stop();
    // Callables go while the rest stands: their destructors may give up watches and timers, and
    // post, which is in vain.
    std::vector<Task> posted;
    {
        const std::lock_guard lock{mutex_};
        closed_ = true;
        posted.swap(posted_);
    }
    posted.clear();
    tasks_.clear();
    for (std::uint32_t index = 0; index < watches_.size(); ++index)
        const ReadyFunction callable = std::move(watches_[index].on_ready);
    timers_.clear();
    reactor_.reset();
    delete_if_unused();
}

void LoopCore::delete_if_unused() noexcept {
    if (closed_ && reactor_ == nullptr && watches_.live() == 0 && timers_.live() == 0)
        delete this;
}

void LoopCore::check_thread() const {
    assert((thread_.load(std::memory_order_relaxed) == std::thread::id{} ||
            thread_.load(std::memory_order_relaxed) == std::this_thread::get_id() ||
            !is_own_process()) &&
           "this loop runs on another thread: use post");
}

bool LoopCore::is_own_process() const noexcept {
    return process_ == process_mark();
}

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
    if (core.closed_)
        return nullptr;
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
        if (error.code().value() != EPERM)
            throw;
        can_wait = false;
    }
    try {
        if (!can_wait)
            queue_always_ready(slot, token);
        own(slot); // last: after it nothing may throw
    } catch (...) {
        if (can_wait)
            reactor_->remove(slot.fd);
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
    if (!registered || reactor_ == nullptr || !is_own_process())
        return;
    if (!reactor_->remove(slot.fd) || is_closed_unnoticed(slot.fd))
        report_closed_too_early(slot);
}

std::uint32_t LoopCore::owner_of(int fd) const noexcept {
    const auto number = static_cast<std::size_t>(fd); // negative: beyond every size
    return number < owner_of_.size() ? owner_of_[number] : nobody;
}

// One watch for each number. When the kernel took a number that has an owner already, the owner's
// descriptor was closed, and its watch is out of date.
void LoopCore::own(WatchSlot& slot) {
    const auto number = static_cast<std::size_t>(slot.fd);
    if (number >= owner_of_.size())
        owner_of_.resize(number + 1, nobody);
    const std::uint32_t former = std::exchange(owner_of_[number], slot.index);
    if (former == nobody || former == slot.index)
        return;
    report_closed_too_early(watches_[former]);
    watches_[former].registered = false;
    refresh_mask(watches_[former]);
}

void LoopCore::refresh_mask(WatchSlot& slot) noexcept {
    const bool open = (slot.registered || slot.always_ready) && !slot.paused && !slot.queued;
    slot.mask = open ? asked_for(slot.interest) | hints : Readiness::none;
}

void LoopCore::set_interest(WatchSlot& slot, Token token, Interest interest) {
    // Its descriptor was closed behind its back: the number may be somebody else's by now.
    if (!slot.registered && !slot.always_ready && !slot.paused)
        throw_system_error(ENOENT, "watch", "descriptor " + std::to_string(slot.fd));
    const Interest before = std::exchange(slot.interest, interest);
    try {
        if (slot.paused)
            return attach(slot, token);
        if (slot.always_ready)
            queue_always_ready(slot, token);
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
    slot.again = Readiness::none;
    expects_stale_ = true;
    refresh_mask(slot);
}

void LoopCore::put_on_ready_list(WatchSlot& slot, Token token, Readiness ready) {
    if (!slot.queued)
        queued_.push_back(token);
    slot.queued = true;
    slot.again = slot.again | ready;
    refresh_mask(slot);
}

// Such a file is readable and writable, and never urgent, as poll(2) says of it.
void LoopCore::queue_always_ready(WatchSlot& slot, Token token) {
    constexpr Readiness all = Readiness::readable | Readiness::writable;
    if (const Readiness ready = asked_for(slot.interest) & all; ready != Readiness::none)
        put_on_ready_list(slot, token, ready);
}

void LoopCore::release(Token token) noexcept {
    WatchSlot* const slot = find(token);
    check_thread();
    detach(*slot);
    if (owner_of(slot->fd) == slot->index)
        owner_of_[static_cast<std::size_t>(slot->fd)] = nobody;
    slot->always_ready = false;
    slot->doomed = true;
    refresh_mask(*slot);
    expects_stale_ = true;
    if (slot != running_)
        free_slot(*slot);
    delete_if_unused();
}

// The destructor of the callable may be code that comes back here: nobody finds the slot meanwhile,
// and nobody gets it.
void LoopCore::free_slot(WatchSlot& slot) noexcept {
    { const ReadyFunction callable = std::move(slot.on_ready); }
    watches_.give_back(slot.index);
}

// Every live watch again, on a fresh reactor. Whose descriptor is gone, or was given away, is
// watched no longer. When the kernel refuses anything else, all is as it was.
void LoopCore::replace_reactor() {
    std::unique_ptr<Reactor> fresh = make_reactor_();
    std::vector<std::uint32_t> lost;
    for (std::uint32_t index = 0; index < watches_.size(); ++index) {
        const WatchSlot& slot = watches_[index];
        if (!slot.registered)
            continue;
        try {
            fresh->add(slot.fd, to_token(watches_.id(index)), slot.interest, slot.trigger);
        } catch (const std::system_error& error) {
            // Closed; now a regular file; now the fresh reactor itself (epoll_ctl(2) EINVAL).
            const int reason = error.code().value();
            if (reason != EBADF && reason != EPERM && reason != EINVAL)
                throw;
            lost.push_back(index);
        }
    }
    for (const std::uint32_t index : lost) {
        WatchSlot& slot = watches_[index];
        slot.registered = false;
        refresh_mask(slot);
        if (owner_of(slot.fd) == index)
            owner_of_[static_cast<std::size_t>(slot.fd)] = nobody;
    }
    reactor_ = std::move(fresh);
    saw_ghost_ = false;
}

// --- timers ----------------------------------------------------------------------------------

Timer LoopCore::make_timer(Clock::time_point due, Clock::duration interval, Task task) {
    check_thread();
    check_process("run_at");
    return Timer{this, timers_.make(due, interval, std::move(task))};
}

void LoopCore::arm(std::uint64_t id, Clock::time_point due) {
    check_thread();
    if (!closed_)
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

bool LoopCore::armed(std::uint64_t id) noexcept {
    return timers_.armed(id);
}

// --- other threads ---------------------------------------------------------------------------

void LoopCore::post(Task task) {
    check_process("post");
    {
        const std::lock_guard lock{mutex_};
        if (closed_)
            return;
        posted_.push_back(std::move(task));
        has_posted_.store(true);
    }
    // On the loop's own thread the next turn finds it without being woken.
    if (thread_.load(std::memory_order_relaxed) != std::this_thread::get_id())
        wake();
}

void LoopCore::wake() noexcept {
    // In a child the eventfd is the parent's until after_fork.
    if (!is_own_process() || woken_.exchange(true))
        return;
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
    do
        turn(stop_.load() ? Timeout::zero() : forever);
    while (!stop_.load());
    stop_.store(false);
}

std::size_t LoopCore::run_once(Timeout timeout) {
    const Turning turning{*this, "run_once"};
    return turn(timeout);
}

std::size_t LoopCore::turn(Timeout limit) {
    if (!has_leftovers())
        collect(limit);
    now_is_known_ = false;
    calls_ = 0;
    deliver_events();
    deliver_ready_list();
    if (!timers_.idle())
        calls_ += timers_.run_due(now(), observer_);
    run_posted();
    return calls_;
}

bool LoopCore::has_leftovers() const noexcept {
    return next_event_ < batch_.size() || next_ready_ < round_.size() || timers_.has_leftovers() ||
           next_task_ < tasks_.size();
}

bool LoopCore::has_work() const noexcept {
    return !queued_.empty() || has_posted_.load();
}

Timeout LoopCore::until_next_timer() {
    if (timers_.idle())
        return forever;
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
    if (saw_ghost_)
        drive_out_ghosts();
    const bool only_looks = limit <= Timeout::zero() || has_work();
    const Timeout timeout = only_looks ? Timeout::zero() : std::min(limit, until_next_timer());
    round_.clear();
    round_.swap(queued_);
    next_ready_ = 0;
    expects_stale_ = false;
    batch_ = {};
    next_event_ = 0;
    if (observer_ == nullptr) {
        batch_ = reactor_->wait(timeout);
    } else {
        const Clock::time_point start = Clock::now();
        batch_ = reactor_->wait(timeout);
        observer_->on_wait(timeout, batch_.size(), Clock::now() - start);
    }
}

void LoopCore::deliver_events() {
    while (next_event_ < batch_.size())
        dispatch(batch_[next_event_++]);
}

void LoopCore::dispatch(const Event& event) {
    WatchSlot* const slot = watches_.find(to_slab_id(event.token));
    if (slot == nullptr || !slot->registered) {
        // Fetched before its watch was given up or paused in this turn; else the kernel still
        // watches a descriptor that was closed while a duplicate of it lives (epoll(7)).
        saw_ghost_ = saw_ghost_ || !expects_stale_;
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
            if (slot.doomed)
                core.free_slot(slot);
        }
    };
    ++calls_;
    running_ = &slot;
    const Running running{*this, slot};
    if (observer_ == nullptr || slot.fd == wake_up_.get()) [[likely]] {
        slot.on_ready(ready);
        return;
    }
    LoopObserver* const watching = observer_; // the callback may change it
    const int fd = slot.fd;
    const Clock::time_point start = Clock::now();
    slot.on_ready(ready);
    if (watching == observer_)
        watching->on_dispatch(fd, ready, Clock::now() - start);
}

void LoopCore::deliver_ready_list() {
    while (next_ready_ < round_.size())
        serve(round_[next_ready_++]);
}

void LoopCore::serve(Token token) {
    WatchSlot* const slot = find(token);
    if (slot == nullptr)
        return;
    slot->queued = false;
    const Readiness again = std::exchange(slot->again, Readiness::none);
    refresh_mask(*slot);
    const Readiness ready = again & slot->mask;
    if (slot->always_ready && slot->trigger == Trigger::level)
        queue_always_ready(*slot, token); // before the call, which may throw
    if (ready != Readiness::none)
        call(*slot, ready);
}

void LoopCore::run_posted() {
    if (next_task_ == tasks_.size()) {
        tasks_.clear();
        next_task_ = 0;
        if (!has_posted_.load())
            return;
        const std::lock_guard lock{mutex_};
        tasks_.swap(posted_);
        has_posted_.store(false);
    }
    while (next_task_ < tasks_.size()) {
        ++calls_;
        LoopObserver* const watching = observer_;
        const Clock::time_point start = watching == nullptr ? Clock::time_point{} : Clock::now();
        Task task = std::move(tasks_[next_task_++]);
        task();
        if (watching != nullptr && watching == observer_)
            watching->on_task(Clock::now() - start);
    }
}

Clock::time_point LoopCore::now() noexcept {
    if (!now_is_known_ || !turning_) {
        now_ = Clock::now();
        now_is_known_ = true;
    }
    return now_;
}

std::span<std::byte> LoopCore::scratch() {
    if (scratch_ == nullptr)
        scratch_ = std::make_unique_for_overwrite<std::byte[]>(scratch_size);
    return {scratch_.get(), scratch_size};
}

void LoopCore::after_fork() {
    batch_ = {}; // the parent's; the fresh reactor finds again what is ready
    next_event_ = 0;
    wake_up_watch_.stop(); // also the parent's, so nothing is taken back from the kernel
    process_ = nobodys;    // so it stays when the kernel refuses something: to be called again
    if (thread_.load() != std::this_thread::get_id()) {
        // The thread that ran the loop, if any, did not come along.
        turning_ = false;
        running_ = nullptr;
        thread_.store({});
    }
    replace_reactor();
    for (std::uint32_t index = 0; index < watches_.size(); ++index)
        if (watches_[index].always_ready)
            queue_always_ready(watches_[index], to_token(watches_.id(index)));
    process_ = process_mark();
    try {
        open_wake_up();
    } catch (...) {
        process_ = nobodys;
        throw;
    }
    if (woken_.exchange(false))
        wake(); // asked for before the fork, or since
}

} // namespace pollux
