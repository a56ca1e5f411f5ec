#include <pollux/coro/stoppable.hpp>

namespace pollux::coro {

void TokenDomain::Stop::operator()() const noexcept {
    domain->stopped.store(true, std::memory_order_release);
    root->post_stop();
}

const Domain& TokenDomain::open(Frame& frame) {
    domain_.outer = &frame.domain();
    if (token_.stop_possible()) on_stop_.emplace(std::move(token_), Stop{&frame.root(), &domain_});
    return domain_;
}

} // namespace pollux::coro
