#pragma once

#include <atomic>
#include <mutex>
#include <pollux/event_loop.hpp>
#include <pollux/net/socket.hpp>
#include <pollux/service/socket_server.hpp>

#include "service/stop_sign.hpp"

namespace pollux {

class SessionLink;

/// What all models share: the socket, the loop of `serve_forever`, the sessions, and the end.
class Service {
public:
    Service(const Address& address, SessionFactory make_session, SocketServerOptions options);

    const SocketServerOptions& options() const noexcept { return options_; }
    bool datagrams() const noexcept { return options_.listen.type == SOCK_DGRAM; }
    std::size_t threads() const;

    void serve();
    void shutdown() noexcept;

    /// Where clients come from: a listening socket or one of datagrams.
    Socket& socket() noexcept { return socket_; }
    const Address& address() const noexcept { return address_; }
    /// Of UDP, for a model that has several: another socket at the same address.
    Socket bound_again() const;
    EventLoop& loop() noexcept { return loop_; }
    StopSign& stop() noexcept { return stop_; }

    /// Takes a turn of the loop. A wait for which the kernel lacks memory is as one in which
    /// nothing happened: those who are served need not know.
    void take_turn(Timeout patience = forever);
    /// Takes turns until `done`, or that time. True: it is done.
    bool run_until(UniqueFunction<bool()> done, Clock::time_point due = Clock::time_point::max());

    // From any thread.

    /// The session of one client, which speaks through `link`.
    std::unique_ptr<Session> make_session(SessionLink& link);
    /// For an exception that is being handled.
    void report_failure() noexcept;
    void count_client() noexcept { clients_.fetch_add(1, std::memory_order_relaxed); }
    void count_shed() noexcept { shed_.fetch_add(1, std::memory_order_relaxed); }
    SocketServerStats stats() const noexcept { return {clients_.load(), shed_.load()}; }

private:
    SocketServerOptions options_;
    SessionFactory make_session_;
    std::mutex user_; // one call of the factory, or of on_error, at a time
    Socket socket_;
    Address address_;
    StopSign stop_;
    EventLoop loop_;
    std::atomic<std::uint64_t> clients_{0};
    std::atomic<std::uint64_t> shed_{0};
};

} // namespace pollux
