#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <pollux/instruments/call_hook.hpp>
#include <string_view>
#include <utility>

namespace pollux_test {

/// Counts the library's system calls while it lives, and answers those that `rule` decides about.
class Calls {
public:
    using Rule = std::function<pollux::CallOutcome(const pollux::CallPoint&)>;
    explicit Calls(Rule rule = nullptr);

    std::size_t of(std::string_view name) const;
    std::size_t of(std::string_view name, int fd) const;
    /// Of every backend.
    std::size_t waits() const;
    /// All others but those of the clock, which stay in user space (vdso(7)). Allocations are none.
    std::size_t besides_waits() const;

private:
    std::map<std::pair<std::string_view, int>, std::size_t> made_;
    Rule rule_;
    pollux::CallHook hook_;
};

/// How many accept4(2), recv(2), … answered EAGAIN so far in this process.
std::size_t would_block(std::string_view name);

} // namespace pollux_test
