#pragma once

#include "program.hpp"
#include "server_name.hpp"

#include <chrono>
#include <optional>
#include <pollux/stream/connection_set.hpp>
#include <pollux/stream/host_connector.hpp>
#include <pollux/worker_pool.hpp>
#include <system_error>

namespace demos {

/// Options of a client of streams: those of every program, and --connect-timeout.
struct ClientOptions : CommonOptions {
    std::chrono::milliseconds connect_timeout{10'000};

    void add_to(Options& options);
};

/// Connects a client to its server, as often as it likes. A server that is given by its name is
/// looked up on a thread, and its addresses raced (`HostConnector`); one that is given by its
/// address needs neither. Ending the program waits for a look-up that has begun.
class Dialer {
public:
    /// Called once; without an error there is a server to connect to.
    using OnFound = pollux::UniqueFunction<void(std::error_code)>;

    /// Throws as `ServerName::of`. The connections must outlive it.
    Dialer(pollux::ConnectionSet& connections, const ClientOptions& options);

    const ServerName& server() const { return server_; }

    /// Looks for the server: `on_found` is called at once for an address, and in a later turn for a
    /// name, with one connection made already.
    void find(OnFound on_found);
    /// After `find`: another connection to what it found. The first one to a name is the one that
    /// was made, and has had its `on_open` when this returns.
    pollux::ConnectionId connect();

private:
    void race(OnFound on_found);

    pollux::ConnectionSet& connections_;
    ServerName server_;
    std::chrono::milliseconds timeout_;
    pollux::Address found_;
    pollux::Socket first_;
    // Made for a name only: threads.
    std::optional<pollux::WorkerPool> pool_;
    std::optional<pollux::Resolver> resolver_;
    std::optional<pollux::HostConnector> attempt_;
};

} // namespace demos
