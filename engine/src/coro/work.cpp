#include <pollux/coro/work.hpp>

#include <cerrno>
#include <pollux/coro/cancelled.hpp>
#include <pollux/error.hpp>

namespace pollux::coro {

// --- an errand -------------------------------------------------------------------------------

void Errand::run() noexcept {
    {
        const std::lock_guard lock{mutex_};
        if (awaiting_ == nullptr) return;
        state_ = State::running;
        runner_ = std::this_thread::get_id();
    }
    perform();
    const std::lock_guard lock{mutex_};
    state_ = State::done;
    ended_.notify_all();
}

// Under the lock: whoever abandons the errand may destroy the loop next.
void Errand::go_home() noexcept {
    const std::lock_guard lock{mutex_};
    if (state_ == State::waiting) state_ = State::dropped;
    if (awaiting_ == nullptr) return;
    home_->post([errand = shared_from_this()] { errand->come_home(); });
}

void Errand::come_home() {
    if (Away* const awaiting = awaiting_) awaiting->resume();
}

bool Errand::skip() noexcept {
    const std::lock_guard lock{mutex_};
    if (state_ == State::running) return false;
    awaiting_ = nullptr;
    return true;
}

void Errand::abandon() noexcept {
    std::unique_lock lock{mutex_};
    awaiting_ = nullptr;
    if (runner_ == std::this_thread::get_id()) return;
    ended_.wait(lock, [this] { return state_ != State::running; });
    if (state_ == State::done) return;
    lock.unlock();
    drop();
}

// --- waiting for it --------------------------------------------------------------------------

Away::~Away() {
    if (errand_ != nullptr) errand_->abandon();
}

bool Away::start() {
    errand_ = pack();
    try {
        send(Errand::Courier{errand_});
    } catch (...) {
        errand_->abandon(); // it comes home all the same
        throw;
    }
    return true;
}

bool Away::give_up() noexcept {
    if (errand_ == nullptr || errand_->skip()) return true;
    asked_to_stop_ = true;
    return false;
}

void Away::come_back() const {
    finish();
    if (asked_to_stop_) throw Cancelled{};
    if (errand_->was_dropped()) throw_system_error(ECANCELED, "co_await", "work that never began");
}

void SendToPool::operator()(EventLoop& home, Errand::Courier courier) const {
    if (!pool->submit(home, std::move(courier), [](const WorkResult<void>&) {}))
        throw_system_error(EAGAIN, "WorkerPool");
}

void SendToLoop::operator()(EventLoop&, Errand::Courier courier) const {
    loop->post(std::move(courier));
}

} // namespace pollux::coro
