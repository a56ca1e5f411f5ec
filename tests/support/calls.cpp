#include "calls.hpp"

#include <pollux/instruments/calls.hpp>

namespace pollux_test {

using pollux::CallOutcome;
using pollux::CallPoint;

Calls::Calls(Rule rule)
    : rule_{std::move(rule)}, hook_{[this](const CallPoint& call) -> CallOutcome {
          ++made_[{call.name, call.fd}];
          return rule_ ? rule_(call) : CallOutcome{};
      }} {}

std::size_t Calls::of(std::string_view name) const {
    std::size_t count = 0;
    for (const auto& [call, made] : made_)
        if (call.first == name) count += made;
    return count;
}

std::size_t Calls::of(std::string_view name, int fd) const {
    const auto found = made_.find({name, fd});
    return found == made_.end() ? 0 : found->second;
}

std::size_t Calls::waits() const {
    return of("epoll_wait") + of("epoll_pwait2") + of("ppoll") + of("pselect") +
           of("io_uring_enter");
}

std::size_t Calls::besides_waits() const {
    std::size_t count = 0;
    for (const auto& [call, made] : made_) count += made;
    return count - waits() - of("clock_gettime") - of("new");
}

std::size_t would_block(std::string_view name) {
    for (const pollux::CallCount& call : pollux::call_counts())
        if (call.name == name) return call.would_block;
    return 0;
}

} // namespace pollux_test
