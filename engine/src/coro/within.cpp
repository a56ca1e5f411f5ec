#include <pollux/coro/within.hpp>

#include <cerrno>
#include <pollux/error.hpp>
#include <pollux/event_loop.hpp>

namespace pollux::coro {

const Domain& Deadline::open(Frame& frame) {
    Root& root = frame.root();
    domain_.outer = &frame.domain();
    if (root.doomed()) return domain_;
    const auto stop = [this, &root] {
        domain_.stopped.store(true, std::memory_order_relaxed);
        if (root.stop_waiting()) root.resume();
    };
    timer_ = delay_ != Clock::duration::zero() ? root.loop().run_after(delay_, stop)
                                               : root.loop().run_at(due_, stop);
    return domain_;
}

void Deadline::throw_if_over() const {
    if (domain_.stopped.load(std::memory_order_relaxed) && !domain_.outer->is_stopped())
        throw_system_error(ETIMEDOUT, "within");
}

} // namespace pollux::coro
