#pragma once

// What the demo programs share: options, error messages, signals, statistics. What a program does
// itself stands in its own file.

#include <CLI/CLI.hpp>

#include <functional>
#include <optional>
#include <pollux/event_loop.hpp>
#include <pollux/net/address.hpp>
#include <pollux/stream/server.hpp>
#include <string>

namespace demos {

/// Options that every program has.
struct CommonOptions {
    std::string host = "127.0.0.1";
    int port = 0;
    std::optional<pollux::Backend> backend;
    pollux::Trigger trigger = pollux::Trigger::level;

    pollux::Address address() const { return pollux::Address::of(host, port); }
    /// A loop on that backend, or on the one of POLLUX_BACKEND. Throws `std::invalid_argument` when
    /// it does not have the trigger.
    pollux::EventLoop make_loop() const;
};

/// Adds --host, --port, --backend and --trigger.
void add_common_options(CLI::App& app, CommonOptions& options);

/// Parses the command line and runs `body`, whose result is the exit status. A bad option, and an
/// error thrown before the program is under way, end with one line on standard error and status 2.
/// A broken pipe does not end the program.
int run(CLI::App& app, int argc, char** argv, const std::function<int()>& body);

/// Raises the soft limit of open descriptors to the hard one; returns it.
std::size_t raise_descriptor_limit();

/// A demo server: serves with `handlers` until SIGINT or SIGTERM, says first where it listens, and
/// on the second signal leaves at once.
class ServerProgram {
public:
    ServerProgram(const std::string& name, const std::string& description);

    /// For options of its own.
    CLI::App& app() { return app_; }
    int run(int argc, char** argv, const std::function<pollux::ConnectionHandlers()>& handlers);

private:
    int serve(pollux::ConnectionHandlers handlers);

    CLI::App app_;
    CommonOptions options_;
    bool stats_ = false;
};

/// One line of `key=value`: what the server did and, in a program linked with pollux_hooked, the
/// system calls it made.
std::string stats_line(pollux::Server& server);

} // namespace demos
