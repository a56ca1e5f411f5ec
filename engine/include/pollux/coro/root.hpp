#pragma once

#include <atomic>
#include <coroutine>
#include <exception>
#include <memory>

// What stands under `Task`, `Scope` and all that is awaited. Programs need none of it; whoever
// writes something to await derives from `Wait` (wait.hpp).

namespace pollux {
class EventLoop;
}

namespace pollux::coro {

class Root;
class ScopeCore;
class Wait;

/// A region of frames that is stopped together: a scope, or what runs under `within` or
/// `stoppable`. Being stopped is for ever.
struct Domain {
    const Domain* outer = nullptr;
    std::atomic<bool> stopped{false}; // perhaps by another thread

    /// This region, or one around it.
    bool is_stopped() const noexcept {
        for (const Domain* domain = this; domain != nullptr; domain = domain->outer)
            if (domain->stopped.load(std::memory_order_acquire)) return true;
        return false;
    }
};

/// A place in a ring, so that it can be left without knowing which ring it is.
template <class Tag> struct Link {
    Link() noexcept = default;
    Link(const Link&) = delete;
    Link& operator=(const Link&) = delete;
    ~Link() { unlink(); }

    bool linked() const noexcept { return after != this; }
    void unlink() noexcept {
        before->after = after;
        after->before = before;
        before = after = this;
    }
    /// Behind everything when `place` stands for the ring.
    void link_before(Link& place) noexcept {
        unlink();
        before = place.before;
        after = &place;
        before->after = this;
        place.before = this;
    }

    Link* before = this;
    Link* after = this;
};

/// The part of a coroutine's promise that does not depend on its result.
class Frame {
public:
    Frame(const Frame&) = delete;
    Frame& operator=(const Frame&) = delete;

    Root& root() const noexcept { return *root_; }
    const Domain& domain() const noexcept { return *domain_; }

    /// Makes this frame the next to run, awaited by `parent`. `owner` is where its handle is kept.
    void begin(Frame& parent, const Domain& domain, std::coroutine_handle<>& owner) noexcept;

    std::suspend_always initial_suspend() const noexcept { return {}; }
    void unhandled_exception() noexcept { failure_ = std::current_exception(); }

    struct End {
        bool await_ready() const noexcept { return false; }
        template <class Promise>
        void await_suspend(std::coroutine_handle<Promise> ended) const noexcept {
            ended.promise().end();
        }
        void await_resume() const noexcept {}
    };
    End final_suspend() const noexcept { return {}; }

protected:
    explicit Frame(std::coroutine_handle<> self) noexcept : self_{self} {}
    ~Frame() = default;
    void rethrow_failure() const {
        if (failure_ != nullptr) std::rethrow_exception(failure_);
    }

private:
    friend class Root;
    void end() noexcept;

    std::coroutine_handle<> self_;
    std::coroutine_handle<>* owner_ = nullptr;
    Frame* parent_ = nullptr;
    Root* root_ = nullptr;
    const Domain* domain_ = nullptr;
    std::exception_ptr failure_;
};

/// A task of a scope: a stack of frames of which the innermost runs or waits.
///
/// Whatever resumes a coroutine does so here, in a loop: a frame that awaits another, or ends, says
/// who is next and returns. So the machine's stack does not grow with the number of frames, nor
/// with how many of them end at once. (Symmetric transfer promises the same, but g++ 12 keeps it
/// only when it optimises, and not under the sanitizers.)
class Root : public Link<ScopeCore>, public Link<Root> {
public:
    using InScope = Link<ScopeCore>;
    using InReady = Link<Root>;

    /// Takes the frame, which has not begun.
    Root(EventLoop& loop, ScopeCore& scope, Frame& outermost) noexcept;
    Root(const Root&) = delete;
    Root& operator=(const Root&) = delete;
    ~Root();

    /// Runs until the task waits or ends. When it has ended this object is gone; throws what the
    /// task threw when nobody else is to be told.
    void resume();
    /// As `resume`, but what was put off for want of budget is begun first.
    void go_on();
    /// Has the loop call `go_on`, later in this turn or in the next one.
    void resume_later() noexcept;
    /// Wakes the task where it waits, if that is in a stopped domain and can be given up.
    bool stop_waiting() noexcept;

    /// From any thread: has the loop look for stopped domains in which tasks of the scope wait.
    void post_stop() const noexcept;

    EventLoop& loop() const noexcept { return *loop_; }
    bool doomed() const noexcept { return doomed_; }
    bool belongs_to(const ScopeCore& scope) const noexcept { return scope_ == &scope; }

private:
    friend class Frame;
    friend class ScopeCore;
    friend class Wait;

    // So many awaits of a visit may be done at once; then the others have their turn (P10).
    static constexpr int budget = 16;

    void destroy_frames() noexcept;
    void end();

    EventLoop* loop_;
    ScopeCore* scope_;
    Frame* innermost_;
    Wait* wait_ = nullptr;              // where it waits
    std::coroutine_handle<> outermost_; // owned
    std::coroutine_handle<> next_;
    std::shared_ptr<ScopeCore> kept_; // by a task whose scope was destroyed while it ran
    int spent_ = 0;
    bool running_ = false;
    bool doomed_ = false; // to be destroyed as soon as it waits or ends
};

inline void Frame::begin(Frame& parent, const Domain& domain,
                         std::coroutine_handle<>& owner) noexcept {
    owner_ = &owner;
    parent_ = &parent;
    root_ = parent.root_;
    domain_ = &domain;
    root_->innermost_ = this;
    root_->next_ = self_;
}

inline void Frame::end() noexcept {
    root_->innermost_ = parent_;
    if (parent_ != nullptr) root_->next_ = parent_->self_;
}

} // namespace pollux::coro
