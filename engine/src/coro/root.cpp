#include <pollux/coro/root.hpp>

#include <cassert>
#include <pollux/coro/task.hpp>
#include <pollux/coro/wait.hpp>
#include <utility>

#include "coro/scope_core.hpp"

namespace pollux::coro {

Root::Root(EventLoop& loop, ScopeCore& scope, Frame& outermost) noexcept
    : loop_{&loop}, scope_{&scope}, innermost_{&outermost}, outermost_{outermost.self_} {
    outermost.owner_ = &outermost_;
    outermost.root_ = this;
    outermost.domain_ = &scope.domain;
}

Root::~Root() { destroy_frames(); }

void Root::resume() {
    assert(!running_);
    if (InReady::linked()) InReady::unlink();
    wait_ = nullptr;
    spent_ = 0;
    running_ = true;
    next_ = innermost_->self_;
    while (next_ && !doomed_) std::exchange(next_, {}).resume();
    running_ = false;
    if (innermost_ == nullptr || doomed_) end();
}

void Root::go_on() {
    if (wait_ != nullptr && !wait_->begin_late()) return;
    resume();
}

void Root::resume_later() noexcept {
    if (!doomed_) scope_->queue(*this);
}

bool Root::stop_waiting() noexcept {
    return !running_ && wait_ != nullptr && innermost_->domain().is_stopped() && wait_->stop();
}

void Root::post_stop() const noexcept { scope_->post_stop(); }

// From the innermost outwards, one after the other: if each destroyed the one it awaits, a long
// chain would need a long stack.
void Root::destroy_frames() noexcept {
    doomed_ = true;
    while (Frame* const frame = innermost_) {
        innermost_ = frame->parent_;
        *frame->owner_ = {};
        frame->self_.destroy();
    }
    if (outermost_) std::exchange(outermost_, {}).destroy(); // it has ended
}

void Root::end() {
    std::unique_ptr<Root> self{this};
    const std::shared_ptr<ScopeCore> scope = scope_->shared_from_this();
    std::exception_ptr failure;
    if (innermost_ == nullptr)
        failure = std::coroutine_handle<Promise<void>>::from_address(outermost_.address())
                      .promise()
                      .failure_;
    scope->remove(*this);
    self.reset();
    scope->ended(failure);
}

} // namespace pollux::coro
