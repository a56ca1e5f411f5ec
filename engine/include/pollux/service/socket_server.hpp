#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <pollux/backend.hpp>
#include <pollux/clock.hpp>
#include <pollux/function.hpp>
#include <pollux/loop_options.hpp>
#include <pollux/net/address.hpp>
#include <pollux/net/socket.hpp>
#include <pollux/reactor.hpp>
#include <pollux/service/model.hpp>
#include <pollux/service/session.hpp>

namespace pollux {

/// How a `SocketServer` serves.
struct SocketServerOptions {
    Model model = Model::reactor;
    /// Of the pool, and the loops of multi. 0: one for each processor that it may use.
    std::size_t threads = 0;
    /// With so many clients at once the others wait in the kernel's queue, and datagrams in the
    /// socket. Pool: each thread has one client, and one more that waits for it.
    std::size_t max_clients = 10'000;

    /// What carries it. `type` may be SOCK_DGRAM here: then it serves datagrams, of UDP or of a
    /// Unix socket, and of the other members only `reuse_port` counts; multi shares the port of UDP
    /// among its loops anyway (SO_REUSEPORT). A path in the way of a Unix datagram socket is
    /// EADDRINUSE and stays, an older server's too, as `Socket::datagram` says.
    ListenOptions listen{};

    /// A client from which nothing came, or which took nothing, for so long is given up.
    Clock::duration idle_timeout = Clock::duration::max();
    /// At an end in good order: how long the client may take nothing of what was sent, and then how
    /// long until it ends its side too. After that the connection is cut.
    Clock::duration drain_timeout = std::chrono::seconds{5};
    /// More bytes than this left by `Session::on_data` end the conversation.
    std::size_t input_limit = std::size_t{1} << 20; // 1 MiB

    /// Of the loops. Where a thread or a process waits for one client it asks ppoll(2).
    Backend backend = default_backend();
    LoopOptions loop{};
    Trigger trigger = Trigger::level; ///< Not exclusive.

    /// What a session, or its making, threw. It is called in the thread or process of that client,
    /// one call at a time, and must not throw. Without it nobody is told: the library never logs.
    UniqueFunction<void(std::exception_ptr)> on_error{};
};

/// What a `SocketServer` did so far.
struct SocketServerStats {
    std::uint64_t clients = 0; ///< Connections that were accepted, or datagrams that were received.
    std::uint64_t shed = 0;    ///< Of those: let go at once, for want of a descriptor, a thread, a
                               ///< process or memory, or a datagram that is too long.
};

/// A server in a few lines, and the same one in every `Model`: over TCP, Unix streams, UDP and Unix
/// datagrams. It is what Python's `socketserver` is, on the parts of this library.
///
///     SocketServer server{Address::parse("127.0.0.1:7777"),
///                         [] { return std::make_unique<Upper>(); },
///                         {.model = Model::threads}};
///     server.serve_forever(); // until somebody calls server.shutdown()
///
/// A signal handler may call `shutdown` by a global pointer to the server; the threads that this
/// starts have all signals blocked.
///
/// Programs that have an `EventLoop` of their own, or that connect to others, want a `Server`.
class SocketServer {
public:
    /// Listens from now on: who connects waits until `serve_forever`. Throws `std::system_error`
    /// (EADDRINUSE, EACCES, …) and `std::invalid_argument` for options that do not go together.
    SocketServer(const Address& address, SessionFactory make_session,
                 SocketServerOptions options = {});
    /// The same for a handler that is a function.
    SocketServer(const Address& address, SessionFunction on_data, SocketServerOptions options = {});
    /// Not while `serve_forever` runs.
    ~SocketServer();
    SocketServer(const SocketServer&) = delete;
    SocketServer& operator=(const SocketServer&) = delete;

    /// Where it listens, with the real port. From any thread.
    Address address() const;

    /// Serves until `shutdown`, and returns when no client is left, and no thread or process for
    /// one. May be called in any thread, once: a server that was shut down stays so, and this then
    /// returns at once. Throws `std::system_error` when the kernel refuses what the model is built
    /// of, or to wait.
    ///
    /// Model::fork: a process has copies of all that the program had, and ends without running what
    /// the program does at its end (atexit, buffers of stdio). The program must not ignore SIGCHLD.
    void serve_forever();

    /// Ends it at once, from any thread, a session's process included, and from a signal handler:
    ///
    /// - Nobody is accepted any more, and the address is free (Model::iterative: after the client
    ///   that it has). Who waits in the kernel's queue is reset.
    /// - What has arrived of a client at that moment is read (64 KiB at most), answered, and the
    ///   connection is closed in good order: nothing that was answered is lost.
    /// - A client with which nothing is under way is closed without waiting for it.
    /// - After `drain_timeout` connections that are left are cut.
    ///
    /// A session that does not return from its call is waited for; a process of it is killed.
    void shutdown() noexcept;

    /// From any thread.
    SocketServerStats stats() const noexcept;

private:
    std::unique_ptr<Service> service_;
};

} // namespace pollux
