#include <pollux/coro/wait.hpp>

#include <pollux/coro/cancelled.hpp>

namespace pollux::coro {

bool Wait::suspend(Frame& frame) {
    Root& root = frame.root();
    root_ = &root;
    if (root.doomed_) return true; // for good
    if (frame.domain().is_stopped()) {
        cancelled_ = true;
        return false;
    }
    if (root.spent_ == Root::budget) {
        put_off();
        put_off_ = true;
        root.resume_later();
    } else if (!start()) {
        ++root.spent_;
        return false;
    }
    root.wait_ = this;
    return true;
}

void Wait::wait_in(Frame& frame) noexcept {
    root_ = &frame.root();
    root_->wait_ = this;
}

// Whether the task can go on now.
bool Wait::begin_late() noexcept {
    if (!put_off_) return true;
    if (root_->innermost_->domain().is_stopped()) return stop();
    put_off_ = false;
    root_->spent_ = 0;
    try {
        return !start();
    } catch (...) {
        failure_ = std::current_exception();
        return true;
    }
}

bool Wait::stop() noexcept {
    if (!cancelled_ && !give_up() && !put_off_) return false;
    put_off_ = false;
    cancelled_ = true;
    return true;
}

void Wait::throw_failure() const {
    if (cancelled_) throw Cancelled{};
    std::rethrow_exception(failure_);
}

} // namespace pollux::coro
