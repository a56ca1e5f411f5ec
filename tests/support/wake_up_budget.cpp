#include "wake_up_budget.hpp"

#include <doctest/doctest.h>

#include <pollux/instruments/calls.hpp>
#include <utility>

namespace pollux_test {

using namespace pollux;

WakeUpBudget::WakeUpBudget(EventLoop& loop, int most, CallHook::Function decide)
    : most_{most + (loop.name() == "io_uring" ? 1 : 0)},
      hook_{[this, &loop, decide = std::move(decide)](const CallPoint& call) {
          if (is_wait(call.name) && ++used_ > most_) loop.stop();
          return decide ? decide(call) : CallOutcome{};
      }} {}

WakeUpBudget::~WakeUpBudget() { CHECK_LE(used_.load(), most_); }

bool is_wait(std::string_view call) {
    return call == "epoll_wait" || call == "epoll_pwait2" || call == "ppoll" || call == "pselect" ||
           call == "io_uring_enter";
}

std::uint64_t calls_made(std::string_view name) {
    std::uint64_t made = 0;
    for (const CallCount& count : call_counts())
        if (count.name == name || (name == "wait" && is_wait(count.name))) made += count.made;
    return made;
}

void run_for(EventLoop& loop, Clock::duration time) {
    const Timer end = loop.run_after(time, [&] { loop.stop(); });
    loop.run();
}

std::size_t turns(EventLoop& loop, int count) {
    std::size_t calls = 0;
    while (count-- > 0) calls += loop.run_once(Timeout::zero());
    return calls;
}

} // namespace pollux_test
