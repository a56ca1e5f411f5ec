#include <pollux/coro/scope.hpp>

#include <stdexcept>
#include <utility>

#include "coro/scope_core.hpp"

namespace pollux::coro {

void Scope::Stop::operator()() const noexcept { scope->request_stop(); }

Scope::Scope(EventLoop& loop, std::stop_token stop) : core_{std::make_shared<ScopeCore>(loop)} {
    if (stop.stop_possible()) on_stop_.emplace(std::move(stop), Stop{core_.get()});
}

// First nobody else may reach the core any more.
Scope::~Scope() {
    on_stop_.reset();
    core_->close();
}

void Scope::start(Task<void> task) {
    if (!task.frame_) throw std::logic_error{"coro::Scope::start: a task that was used before"};
    auto root = std::make_unique<Root>(core_->loop, *core_, task.frame_.promise());
    static_cast<void>(task.release());
    core_->add(std::move(root));
}

void Scope::request_stop() noexcept { core_->request_stop(); }
bool Scope::stop_requested() const noexcept { return core_->domain.is_stopped(); }
std::size_t Scope::size() const noexcept { return core_->size; }
EventLoop& Scope::loop() const noexcept { return core_->loop; }

void Scope::set_on_error(UniqueFunction<void(std::exception_ptr)> on_error) {
    core_->on_error = std::move(on_error);
}

// --- join ------------------------------------------------------------------------------------

Join::~Join() {
    if (scope_->joiner == this) scope_->joiner = nullptr;
}

// Other waits do not begin in a stopped task. This one does: nobody leaves while the others run.
bool Join::wait_for_all(Frame& frame) {
    domain_ = &frame.domain();
    if (frame.root().doomed()) return true;
    if (scope_->joiner != nullptr) throw std::logic_error{"coro::Scope::join: somebody waits"};
    if (frame.root().belongs_to(*scope_))
        throw std::logic_error{"coro::Scope::join: a task would wait for itself"};
    if (&frame.root().loop() != &scope_->loop)
        throw std::logic_error{"coro::Scope::join: a task of another loop"};
    if (scope_->size == 0) return false;
    scope_->joiner = this;
    if (domain_->is_stopped()) scope_->request_stop();
    wait_in(frame);
    return true;
}

bool Join::give_up() noexcept {
    scope_->request_stop();
    return false;
}

void Join::await_resume() {
    scope_->joiner = nullptr;
    finish();
    if (const auto failure = std::exchange(scope_->first_failure, nullptr))
        std::rethrow_exception(failure);
    if (domain_->is_stopped()) throw Cancelled{};
}

} // namespace pollux::coro
