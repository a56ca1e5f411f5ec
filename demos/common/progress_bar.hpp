#pragma once

#include <cstdint>
#include <pollux/clock.hpp>
#include <string>

namespace demos {

/// How far something is, on standard error when that is a terminal; else it does nothing.
class ProgressBar {
public:
    ProgressBar(const std::string& name, std::uint64_t all);
    /// Unless it is finished it leaves an empty line.
    ~ProgressBar();
    ProgressBar(const ProgressBar&) = delete;
    ProgressBar& operator=(const ProgressBar&) = delete;

    void show(std::uint64_t done);
    /// All of it is done: the line stays.
    void finish();

private:
    std::string name_;
    std::uint64_t all_;
    pollux::Clock::time_point start_ = pollux::Clock::now();
    bool terminal_;
    bool shown_ = false;
};

} // namespace demos
