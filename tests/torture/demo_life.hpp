#pragma once

#include "torture/trial.hpp"

#include <functional>
#include <memory>
#include <pollux/net/address.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace pollux_test {

/// Clients of a demo server, on bare system calls. They take their steps while it waits.
class Crowd {
public:
    Crowd() = default;
    virtual ~Crowd() = default;
    Crowd(const Crowd&) = delete;
    Crowd& operator=(const Crowd&) = delete;

    /// Does what can be done now. True: it is over, well or not.
    virtual bool step() = 0;
    virtual bool served() const = 0;
    /// How many errors it was told of.
    virtual int told() const { return 0; }
};

/// What a demo server is to do in a trial.
struct DemoJob {
    std::string_view program;
    std::vector<std::string> options{};
    std::function<std::unique_ptr<Crowd>(const pollux::Address&)> crowd;
    std::string printed{}; ///< What it prints for each crowd.
};

/// The life of a demo server program on this thread, from its `main` to its end: it serves one
/// crowd, another one while nothing fails, and ends by SIGTERM. Faults befall it from its first
/// system call on. What it says in its line of statistics, or instead of it, is a report, and so is
/// what the crowd was told. Other threads of the program do their work while this one makes a
/// system call, so that each run is like the other.
void serve_demo(Trial& trial, const DemoJob& job);

} // namespace pollux_test
