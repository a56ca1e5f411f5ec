#include <pollux/event_loop.hpp>

#include <stdexcept>
#include <utility>

#include "loop_core.hpp"

namespace pollux {

EventLoop::EventLoop(Backend backend, const LoopOptions& options)
    : EventLoop{[backend] { return make_reactor(backend); }, options} {}

EventLoop::EventLoop(ReactorFactory make_reactor, const LoopOptions& options)
    : core_{new LoopCore{std::move(make_reactor), options}} {}

EventLoop::~EventLoop() { core_->close(); }

Watch EventLoop::watch(int fd, Interest interest, Trigger trigger, ReadyFunction on_ready,
                       std::source_location where) {
    return core_->watch(fd, interest, trigger, std::move(on_ready), where);
}

Timer EventLoop::run_at(Clock::time_point due, Task task) {
    return core_->make_timer(due, Clock::duration::zero(), std::move(task));
}

Timer EventLoop::run_after(Clock::duration delay, Task task) {
    return run_at(later(Clock::now(), delay), std::move(task));
}

Timer EventLoop::run_every(Clock::duration interval, Task task) {
    if (interval <= Clock::duration::zero())
        throw std::invalid_argument{"EventLoop::run_every: the interval must be positive"};
    return core_->make_timer(later(Clock::now(), interval), interval, std::move(task));
}

void EventLoop::post(Task task) { core_->post(std::move(task)); }
void EventLoop::wake() noexcept { core_->wake(); }
void EventLoop::stop() noexcept { core_->stop(); }

void EventLoop::run() { core_->run(); }
std::size_t EventLoop::run_once(Timeout timeout) { return core_->run_once(timeout); }

Timeout EventLoop::time_to_wait() { return core_->time_to_wait(); }
int EventLoop::descriptor() const noexcept { return core_->reactor().descriptor(); }
Clock::time_point EventLoop::now() noexcept { return core_->now(); }
std::span<std::byte> EventLoop::scratch() { return core_->scratch(); }

bool EventLoop::supports(Trigger trigger) const noexcept {
    return core_->reactor().supports(trigger);
}
std::string_view EventLoop::name() const noexcept { return core_->reactor().name(); }

void EventLoop::observe(LoopObserver* observer) noexcept { core_->observe(observer); }
void EventLoop::after_fork() { core_->after_fork(); }

} // namespace pollux
