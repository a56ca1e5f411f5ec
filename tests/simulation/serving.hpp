#pragma once

// Servers on the simulated kernel and scripted clients of them.

#include "exploring.hpp"
#include "support/streams.hpp"

#include <deque>
#include <optional>
#include <pollux/stream/server.hpp>
#include <string>

namespace pollux_test {

/// Clients of one trial.
class Clients {
public:
    Clients(pollux::Simulation& simulation, pollux::Choices& choices,
            pollux::Address server = pollux::Address::ipv4_loopback(7777));

    /// One more, named "client 1", "client 2" …
    pollux::ScriptedClient& add(pollux::Script script);

    /// There will be others, which are no clients of this kind.
    void none() { begun_ = true; }

    bool have_begun() const { return begun_; }
    bool all_done() const;
    /// Throws what went wrong for one of them.
    void check() const;

private:
    pollux::Simulation& simulation_;
    pollux::Choices& choices_;
    pollux::Address server_;
    std::deque<pollux::ScriptedClient> clients_;
    bool begun_ = false;
};

/// A server on 127.0.0.1:7777 that notes what its handlers are called with, and echoes; `change`
/// may replace some of them.
struct NotingServer {
    explicit NotingServer(const Mode& mode, pollux::ServerOptions options = {},
                          const std::function<void(pollux::ConnectionHandlers&)>& change = {});

    /// Until all clients are done and no connection is left. Checks that none of them had a
    /// failure, and that each connection was closed once.
    void serve(const Clients& clients);

    Seen seen;
    pollux::EventLoop loop;
    std::optional<pollux::Server> server;
};

} // namespace pollux_test
