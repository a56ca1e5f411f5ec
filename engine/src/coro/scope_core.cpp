#include "coro/scope_core.hpp"

#include <chrono>
#include <new>
#include <pollux/coro/cancelled.hpp>
#include <pollux/coro/scope.hpp>
#include <utility>

namespace pollux::coro {
namespace {

constexpr std::chrono::milliseconds patience{10}; // without memory

bool is_cancelled(const std::exception_ptr& failure) {
    try {
        std::rethrow_exception(failure);
    } catch (const Cancelled&) {
        return true;
    } catch (...) {
        return false;
    }
}

// Puts all of `from` before all of `to`.
void splice_in_front(Root::InReady& from, Root::InReady& to) noexcept {
    Root::InReady& place = *to.after;
    while (from.linked()) from.after->link_before(place);
}

} // namespace

ScopeCore::ScopeCore(EventLoop& on)
    : loop{on}, pulse_{on.run_at(Clock::time_point::max(), [this] {
          keeps_looking_ ? deliver_stop() : run_ready();
      })} {
    pulse_.cancel();
}

void ScopeCore::add(std::unique_ptr<Root> root) {
    if (closed_) return;
    if (size == 0 && joiner != nullptr) joiner->stay();
    root->InScope::link_before(roots_);
    ++size;
    root.release()->resume();
}

void ScopeCore::remove(Root& root) noexcept {
    root.InReady::unlink();
    if (!root.InScope::linked()) return; // the scope has been closed
    root.InScope::unlink();
    --size;
}

void ScopeCore::ended(const std::exception_ptr& failure) {
    if (size == 0 && joiner != nullptr) joiner->resume_later();
    if (failure == nullptr || is_cancelled(failure)) return;
    if (on_error && !closed_) { // what it refers to may have gone with the scope
        on_error(failure);
    } else if (joiner != nullptr) {
        if (first_failure == nullptr) first_failure = failure;
        request_stop();
    } else {
        std::rethrow_exception(failure);
    }
}

void ScopeCore::close() noexcept {
    closed_ = true;
    while (roots_.linked()) {
        Root& root = static_cast<Root&>(*roots_.after);
        root.doomed_ = true;
        remove(root);
        if (root.running_)
            root.kept_ = shared_from_this();
        else
            delete &root;
    }
    pulse_ = {};
    if (joiner != nullptr) joiner->resume_later();
}

void ScopeCore::queue(Root& root) noexcept {
    root.InReady::link_before(ready_);
    if (!pulse_.armed() || keeps_looking_) pulse_.run_at({});
}

void ScopeCore::post_stop() noexcept {
    if (!stop_posted_.exchange(true))
        stop_place_.post(loop, [scope = shared_from_this()] { scope->deliver_stop(); });
}

void ScopeCore::request_stop() noexcept {
    domain.stopped.store(true, std::memory_order_release);
    post_stop();
}

bool ScopeCore::has_place_again() noexcept {
    try {
        stop_place_ = {};
        return true;
    } catch (const std::bad_alloc&) {
        return false;
    }
}

void ScopeCore::deliver_stop() {
    keeps_looking_ = !has_place_again();
    // Reads, to see what those who found it set had stopped.
    if (!keeps_looking_) stop_posted_.exchange(false);
    for (Root::InScope* link = roots_.after; link != &roots_; link = link->after)
        if (Root& root = static_cast<Root&>(*link); root.stop_waiting()) queue(root);
    run_ready();
}

// Those who are here now; whoever comes meanwhile has a turn later. A task that throws, or destroys
// the scope, stands in for any of them.
void ScopeCore::run_ready() {
    const struct Round {
        const std::shared_ptr<ScopeCore> scope;
        Root::InReady roots;

        explicit Round(ScopeCore& of) : scope{of.shared_from_this()} {
            scope->pulse_.cancel();
            splice_in_front(scope->ready_, roots);
        }
        ~Round() {
            if (scope->keeps_looking_) scope->pulse_.run_after(patience);
            if (!roots.linked()) return;
            splice_in_front(roots, scope->ready_);
            scope->pulse_.run_at({});
        }
        Round(const Round&) = delete;
        Round& operator=(const Round&) = delete;
    } round{*this};
    while (round.roots.linked()) {
        Root& root = static_cast<Root&>(*round.roots.after);
        root.InReady::unlink();
        root.go_on();
    }
}

} // namespace pollux::coro
