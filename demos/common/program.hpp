#pragma once

// What the demo programs share: common options, error messages, signals, statistics. What a
// program does itself stands in its own file.

#include "options.hpp"
#include "sandbox.hpp"
#include "server_name.hpp"

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <pollux/event_loop.hpp>
#include <pollux/net/address.hpp>
#include <pollux/stream/server.hpp>
#include <string>
#include <string_view>

namespace demos {

/// Options that every program has: --host, --port, --backend and --trigger; and of a server,
/// --spin and --fault.
struct CommonOptions {
    std::string host = "127.0.0.1";
    int port = 0;
    std::optional<pollux::Backend> backend;
    pollux::Trigger trigger = pollux::Trigger::level;
    int spin_microseconds = 0; ///< Of a server.
    Sandbox sandbox;           ///< Of a server. It is entered by `serve`.

    /// For a server, whose host is an address; port 0 picks a free one.
    void add_to_server(Options& options);
    /// For a client, whose host may be a name, and which needs a port.
    void add_to_client(Options& options);

    pollux::Address address() const { return pollux::Address::of(host, port); }
    /// Whom a client connects to. Throws as `ServerName::of`.
    ServerName server() const { return ServerName::of(host, port); }
    /// A loop on that backend, or on the one of POLLUX_BACKEND. Throws `std::invalid_argument` when
    /// it does not have the trigger.
    pollux::EventLoop make_loop() const;
    pollux::LoopOptions loop_options() const;

private:
    void add(Options& options, const std::string& help_of_host, const std::string& help_of_port);
};

/// Parses the command line and runs `body`, whose result is the exit status. A bad option, and an
/// error thrown before the program is under way, end with one line on standard error and status 2.
/// A broken pipe does not end the program.
int run(Options& options, int argc, char** argv, const std::function<int()>& body);

/// Raises the soft limit of open descriptors to the hard one; returns it.
std::size_t raise_descriptor_limit();

/// How long a server program keeps a client from which nothing comes, unless told otherwise.
inline constexpr std::chrono::hours longest_idle{1};

/// Numbers that a program counts for --stats, by their names.
class Counters {
public:
    void count(std::string_view name, std::uint64_t by = 1);
    /// ` name=number` of each, in the order of the names.
    std::string to_string() const;

private:
    std::map<std::string, std::uint64_t, std::less<>> counted_;
};

/// What a server program of any kind does around its work: it says where it listens, runs the loop
/// until the end, and prints `stats()` to standard error at the end and on SIGUSR1 (if that is not
/// empty). The first SIGINT or SIGTERM calls `leave`, which must stop the loop sooner or later; the
/// second stops it at once. Want of memory, in a wait or in a callback, does not end it. The
/// sandbox begins before anybody is told where to connect.
void serve(pollux::EventLoop& loop, const pollux::Address& address, const Sandbox& sandbox,
           const std::function<std::string()>& stats, const std::function<void()>& leave);

/// A demo server on a `Server`: serves until SIGINT or SIGTERM, then ends in good order.
class ServerProgram {
public:
    ServerProgram(const std::string& name, const std::string& description);

    /// For options of its own, before `run`.
    Options& options() { return options_; }
    /// Limits and time-outs to be changed before `run`, or in `setup`. Every server program has the
    /// options --max-connections, whose default is what stands here before `run`, and
    /// --idle-timeout, which is put here before `setup`.
    pollux::ServerOptions& limits() { return limits_; }
    /// For what it needs besides connections; before `run`, or in `setup`.
    Sandbox& sandbox() { return common_.sandbox; }

    /// Called when the command line is parsed. True: that was all, nothing is served.
    void set_instead(std::function<bool()> instead) { instead_ = std::move(instead); }

    /// `setup` is called when the command line is parsed and the loop exists; it gives the handlers
    /// and throws what is wrong.
    int run(int argc, char** argv,
            const std::function<pollux::ConnectionHandlers(pollux::EventLoop&)>& setup);

    /// While it serves. Not yet in `setup`.
    pollux::Server& server() { return *server_; }
    /// Numbers of its own in the line of --stats.
    Counters& counters() { return counters_; }
    /// Counts `rejected.REASON` and closes the connection in good order: what was sent arrives.
    void reject(pollux::Connection& connection, std::string_view reason);
    /// Ends in good order, as on SIGTERM.
    void leave();
    /// Called once when it begins to end, before connections are closed.
    void set_on_leaving(std::function<void()> on_leaving) { on_leaving_ = std::move(on_leaving); }

private:
    int serve(const std::function<pollux::ConnectionHandlers(pollux::EventLoop&)>& setup);

    Options options_;
    CommonOptions common_;
    pollux::ServerOptions limits_;
    std::chrono::milliseconds idle_timeout_ = longest_idle;
    Counters counters_;
    std::function<bool()> instead_;
    std::function<void()> on_leaving_;
    pollux::Server* server_ = nullptr;
    bool leaving_ = false;
    bool stats_ = false;
};

/// One line of `key=value`: what the connections did and, in a program linked with pollux_hooked,
/// the system calls it made.
std::string stats_line(pollux::Server& server, const Counters& counters);
std::string stats_line(const pollux::ConnectionStats& stats, std::size_t open, std::uint64_t shed,
                       const Counters& counters);

/// ` calls.NAME=N` for each system call that was made, and under --fault how many went wrong; empty
/// unless linked with pollux_hooked.
std::string calls_made();

} // namespace demos
