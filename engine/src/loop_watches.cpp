// The part of LoopCore that registers watches and gives them up.

#include <cassert>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <pollux/error.hpp>
#include <stdexcept>
#include <string>
#include <utility>

#include "loop_core.hpp"
#include "sys.hpp"

namespace pollux {
namespace {

constexpr auto nobody = static_cast<std::uint32_t>(-1);
constexpr Readiness hints = Readiness::peer_closed | Readiness::hang_up | Readiness::error;

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

WatchSlot* LoopCore::find(Token token) noexcept {
    WatchSlot* const slot = living(token);
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
    if (index > watches_.last_with_place) { // more than eight millions
        watches_.give_back(index);
        throw std::bad_alloc{};
    }
    WatchSlot& slot = watches_[index];
    slot.fd = fd;
    slot.interest = interest;
    slot.trigger = trigger;
    slot.again = Readiness::none;
    slot.registered = slot.always_ready = slot.paused = slot.queued = slot.doomed = false;
    slot.changed = false;
#ifndef NDEBUG
    slot.where = where;
#endif
    const Token token = token_of(index);
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
        if (!can_wait) queue_always_ready(slot, token);
        own(slot); // last: after it nothing may throw
    } catch (...) {
        if (can_wait) reactor_->remove(slot.fd);
        throw;
    }
    slot.registered = can_wait;
    slot.told = slot.interest;
    slot.always_ready = !can_wait;
    slot.paused = false;
    refresh_mask(slot);
}

// Takes the slot's registration back. False from the reactor means that the kernel had forgotten
// it.
void LoopCore::detach(WatchSlot& slot) noexcept {
    const bool registered = slot.registered;
    slot.registered = false;
    if (!registered || reactor_ == nullptr || !process_.is_current()) return;
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
    const Interest before = slot.interest;
    slot.interest = interest;
    try {
        if (slot.paused) return attach(slot, token);
        if (slot.always_ready)
            queue_always_ready(slot, token);
        else if (slot.trigger == Trigger::exclusive)
            renew(slot, token, before);
        else if (slot.trigger == Trigger::level && is_turning())
            note_change(slot, token);
        else
            tell(slot, token);
    } catch (...) {
        slot.interest = before;
        throw;
    }
    refresh_mask(slot);
}

void LoopCore::tell(WatchSlot& slot, Token token) {
    reactor_->modify(slot.fd, token, slot.interest, slot.trigger);
    slot.told = slot.interest;
}

// Level watches alone: of another trigger, telling the same once more arms it, or makes it report
// what is ready now.
void LoopCore::note_change(WatchSlot& slot, Token token) {
    if (slot.changed || slot.interest == slot.told) return;
    changed_.push_back(token);
    slot.changed = true;
    attend();
}

// Before a wait, and before others may wait for the loop. What comes to nothing costs nothing.
void LoopCore::tell_changes() {
    if (!process_.is_current()) return; // the parent's reactor
    queued_.reserve(queued_.size() + changed_.size());
    std::size_t kept = 0;
    for (const Token token : changed_) {
        WatchSlot* const slot = find(token);
        if (slot == nullptr) continue;
        slot->changed = false;
        if (!slot->registered || slot->interest == slot->told) continue;
        try {
            tell(*slot, token);
        } catch (const std::system_error& error) {
            put_on_ready_list(*slot, token, asked_for(slot->interest) | Readiness::error);
            const int reason = error.code().value();
            if (reason == EBADF || reason == ENOENT) continue; // closed: to tell again is in vain
            slot->changed = true;
            changed_[kept++] = token;
        }
    }
    changed_.resize(kept);
}

// The kernel does not modify an exclusive registration. Should it refuse the new one, the old one
// comes back, or where that fails too nothing is watched until `resume`.
void LoopCore::renew(WatchSlot& slot, Token token, Interest before) {
    detach(slot);
    slot.paused = true;
    try {
        attach(slot, token);
    } catch (...) {
        slot.interest = before;
        attach(slot, token);
        throw;
    }
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
    if (!slot.queued) queued_.push_back(token);
    attend();
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
    if (owner_of(slot->fd) == slot->index) owner_of_[static_cast<std::size_t>(slot->fd)] = nobody;
    slot->always_ready = false;
    slot->doomed = true;
    refresh_mask(*slot);
    expects_stale_ = true;
    if (slot == running_)
        look_up_at_ = nullptr; // freed when its callback has returned
    else
        free_slot(*slot);
    delete_if_unused();
}

// The destructor of the callable may be code that comes back here: nobody finds the slot meanwhile,
// and nobody gets it.
void LoopCore::free_slot(WatchSlot& slot) noexcept {
    { const ReadyFunction callable = std::move(slot.on_ready); }
    watches_.give_back(slot.index);
}

std::unique_ptr<Reactor> LoopCore::fresh_reactor() {
    std::unique_ptr<Reactor> fresh = make_reactor_();
    if (options_.busy_poll) set_busy_poll(fresh->descriptor(), *options_.busy_poll);
    return fresh;
}

// Every live watch again, on a fresh reactor. Whose descriptor is gone, or was given away, is
// watched no longer. When the kernel refuses anything else, all is as it was.
void LoopCore::replace_reactor() {
    std::unique_ptr<Reactor> fresh = fresh_reactor();
    std::vector<std::uint32_t> lost;
    for (std::uint32_t index = 0; index < watches_.size(); ++index) {
        const WatchSlot& slot = watches_[index];
        if (!slot.registered) continue;
        try {
            fresh->add(slot.fd, token_of(index), slot.interest, slot.trigger);
        } catch (const std::system_error& error) {
            // Closed; now a regular file; now the fresh reactor itself (epoll_ctl(2) EINVAL).
            const int reason = error.code().value();
            if (reason != EBADF && reason != EPERM && reason != EINVAL) throw;
            lost.push_back(index);
        }
    }
    for (const std::uint32_t index : lost) {
        WatchSlot& slot = watches_[index];
        slot.registered = false;
        refresh_mask(slot);
        if (owner_of(slot.fd) == index) owner_of_[static_cast<std::size_t>(slot.fd)] = nobody;
    }
    for (std::uint32_t index = 0; index < watches_.size(); ++index)
        watches_[index].told = watches_[index].interest;
    reactor_ = std::move(fresh);
    saw_ghost_ = false;
}

} // namespace pollux
