#pragma once

// The demo servers themselves, unchanged, on the simulated kernel: their `main` runs in this
// process, clients are scripted, and SIGTERM comes when all of them are done.

#include "serving.hpp"

#include <functional>
#include <pollux/fd.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace pollux_test {

/// While it lives, one of the standard descriptors is a file in memory.
class StandardFile {
public:
    explicit StandardFile(int standard, std::string_view content = {});
    ~StandardFile();
    StandardFile(const StandardFile&) = delete;
    StandardFile& operator=(const StandardFile&) = delete;

    /// Begins anew, with that content.
    void rewrite(std::string_view content);
    /// What was written to it.
    std::string content() const;

private:
    int standard_;
    pollux::Fd before_;
    pollux::Fd file_;
};

/// What a demo server does with its clients.
struct DemoCase {
    std::string_view name;
    std::vector<std::string> options{};
    /// Makes the clients of a run, when the server waits for them.
    std::function<void(Clients&, pollux::Simulation&)> clients{};
    /// What it must have printed, after the line that says where it listens; if it is the same in
    /// every run.
    std::optional<std::string> prints{};
    std::string typed{}; ///< On its terminal.
    /// Checks more than that each client had no failure and the program ended well.
    std::function<void(const std::string& printed)> check{};
    std::function<void()> after{}; ///< Lets go of what `clients` made, however the run ended.
};

/// Explores a demo server on the mode's backend and trigger.
void check_demo(const Mode& mode, const DemoCase& demo, pollux::SimulationOptions options,
                const pollux::ExploreOptions& explore);

} // namespace pollux_test
