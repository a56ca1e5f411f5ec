#pragma once

#include <pollux/function.hpp>
#include <pollux/reactor.hpp>

namespace pollux {

class LoopCore;

/// What a watch calls when its descriptor is ready.
using ReadyFunction = UniqueFunction<void(Readiness)>;

/// A descriptor watched by an `EventLoop`, for as long as this object lives. Made by
/// `EventLoop::watch`. Moving it keeps the registration.
///
/// Destroying or stopping it is legal anywhere on the loop's thread: in its own callback, in
/// another's, after the loop is gone. Once that has returned the callback never runs again, not
/// even for an event that was already fetched.
///
/// The descriptor stays the caller's and must outlive the watch: declare the `Watch` after the
/// `Fd`, and member order does the rest. A descriptor closed first is reported by an assert (debug
/// builds) that names where it was watched.
///
/// Every function but the destructor, `stop` and the questions throws `std::logic_error` on an
/// object that watches nothing, and is called on the loop's thread.
class Watch {
public:
    /// Watches nothing.
    Watch() noexcept = default;
    Watch(Watch&& other) noexcept;
    Watch& operator=(Watch&& other) noexcept;
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;
    ~Watch();

    /// Ends the registration. Nothing happens on an object that watches nothing.
    void stop() noexcept;

    explicit operator bool() const noexcept { return core_ != nullptr; }
    /// The descriptor; -1 when nothing is watched.
    int fd() const noexcept;

    /// Asks for something else from now on. Resumes a paused watch, arms a one-shot watch, and
    /// makes an edge watch report what is ready now once more. Throws `std::system_error` as
    /// `Reactor::modify`; the watch is then as it was.
    ///
    /// While the loop is in a turn, a level watch changes without a call: the kernel is told of
    /// what is left of the changes before the loop waits again, or the turn ends. What it refuses
    /// then (ENOMEM; EBADF for a descriptor that was closed behind the watch) is no exception but
    /// reported: `Readiness::error` with what is asked for, in the next turn. Unless the descriptor
    /// was closed the kernel is told again with each turn.
    void set_interest(Interest interest);

    /// Asks for nothing: the callback is not called, not even for hang-up or error, until `resume`
    /// or `set_interest`. The kernel is told at once: two system calls with `resume`, where
    /// `set_interest` to and fro costs none. No work when paused already.
    void pause();
    /// Asks again for what was asked before `pause`. No work when not paused.
    void resume();
    bool paused() const noexcept;

    /// Arms a one-shot watch again: `set_interest` with the interest it has.
    void rearm();

    /// Has the callback called with `ready` in the next turn, after the descriptors that the kernel
    /// reports, without any new event: for a handler that stops early to let others have their
    /// turn. What is not asked for is left out.
    void again(Readiness ready = Readiness::readable);

private:
    friend class LoopCore;
    Watch(LoopCore* core, Token token) noexcept : core_{core}, token_{token} {}

    LoopCore* core_ = nullptr;
    Token token_{};
};

} // namespace pollux
