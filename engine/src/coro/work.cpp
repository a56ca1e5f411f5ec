#include <pollux/coro/work.hpp>

#include <cerrno>
#include <pollux/coro/cancelled.hpp>
#include <pollux/error.hpp>

#include "post_place.hpp"
#include "process_mark.hpp"

namespace pollux::coro {

// --- an errand -------------------------------------------------------------------------------

Errand::Errand(EventLoop& home, Away& awaiting)
    : process_{std::make_unique<ProcessMark>()},
      home_{&home},
      way_home_{std::make_unique<PostPlace>()},
      awaiting_{&awaiting} {}
Errand::~Errand() = default;

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
    way_home_->post(*home_, [errand = shared_from_this()] { errand->come_home(); });
}

void Errand::come_home() {
    if (Away* const awaiting = awaiting_) awaiting->resume();
}

// In a forked child the thread that works, and may hold the mutex, is not there.
std::unique_lock<std::mutex> Errand::lock_against_runner() noexcept {
    return process_->is_current() ? std::unique_lock{mutex_} : std::unique_lock<std::mutex>{};
}

bool Errand::skip() noexcept {
    const auto lock = lock_against_runner();
    if (state_ == State::running && lock) return false;
    awaiting_ = nullptr;
    return true;
}

void Errand::abandon() noexcept {
    auto lock = lock_against_runner();
    awaiting_ = nullptr;
    if (runner_ == std::this_thread::get_id()) return;
    if (lock) ended_.wait(lock, [this] { return state_ != State::running; });
    const bool has_begun = state_ == State::running || state_ == State::done;
    if (lock) lock.unlock();
    if (!has_begun) drop();
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
