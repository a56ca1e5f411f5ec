#pragma once

#include <cstdint>
#include <memory>
#include <pollux/loop_pool.hpp>
#include <pollux/net/address.hpp>
#include <pollux/stream/connection_set.hpp>
#include <pollux/stream/server.hpp>
#include <span>
#include <system_error>
#include <vector>

namespace pollux {

/// How connections come to the loops of a pool. All but `reuse_port` have one queue in the kernel
/// that no loop owns.
enum class Spread : std::uint8_t {
    /// Each loop has a listener of its own on the same port (SO_REUSEPORT, socket(7)), and the
    /// kernel chooses by a hash of the addresses: loops never wait for each other, but few
    /// connections spread unevenly, and a slow loop's clients wait although others are idle. IP
    /// only.
    reuse_port,
    /// The first loop accepts, and hands the sockets over to all in turn.
    round_robin,
    /// The first loop accepts, and hands each socket to the loop that has the fewest connections.
    least_connections,
    /// All loops watch one listener (`Trigger::exclusive`, epoll only). The kernel wakes one that
    /// sleeps, so loops that are busy get fewer; while there is little to do most go to the same.
    exclusive,
};

struct ServerPoolOptions {
    Spread spread = Spread::least_connections;
    /// As for a `Server` on each loop. `max_connections` is the limit of each loop. Who accepts for
    /// all passes over loops that are full; with `reuse_port` their clients wait in the kernel.
    ServerOptions server{};
};

/// A server on every loop of a pool: the same address, and handlers for each loop.
///
///     LoopPool pool;
///     ServerPool server{pool, Address::parse("127.0.0.1:7777"), [](std::size_t, EventLoop&) {
///         return ConnectionHandlers{.on_data = [](Connection& connection, ByteView data) {
///             connection.send(data);
///             return data.size();
///         }};
///     }};
///     …                               // until a signal tells to end
///     server.drain(seconds{5});
///     pool.stop();
///
/// A connection stays with the loop that it came to, and its handlers run on that loop's thread
/// alone: what they share with those of other loops needs a lock, the rest none.
///
/// An exception of a handler goes to its `on_error`; without one it leaves the loop, and the pool
/// ends (`LoopPool::wait` throws it).
///
/// It must be destroyed before its pool. What is said to wait may not be called on a thread of the
/// pool (`std::logic_error`), and throws `std::logic_error` in a forked child as `LoopPool` does.
class ServerPool {
public:
    /// Called once for each loop, on its thread, one after the other: nothing is called twice at
    /// the same time.
    using MakeHandlers = UniqueFunction<ConnectionHandlers(std::size_t place, EventLoop& loop)>;

    /// Listens from now on; waits. Throws `std::system_error` (EADDRINUSE, EACCES, …; ENOTSUP when
    /// the backend has no exclusive trigger; ECANCELED when the pool has ended), and what
    /// `make_handlers` throws; `std::invalid_argument` for `reuse_port` at an address that is not
    /// IP. Then nothing listens.
    ServerPool(LoopPool& pool, const Address& address, MakeHandlers make_handlers,
               ServerPoolOptions options = {});
    /// The same at several addresses, as `Server`.
    ServerPool(LoopPool& pool, std::span<const Address> addresses, MakeHandlers make_handlers,
               ServerPoolOptions options = {});
    /// Ends all connections (`CloseReason::stopped`), each on its loop; waits, so it ends the
    /// program (std::terminate) on a thread of the pool. When the pool has ended the handlers are
    /// called on this thread. In a forked child it does nothing, and the sockets, which are the
    /// parent's too, stay open until the child is gone (or another program, execve(2)).
    ~ServerPool();
    ServerPool(const ServerPool&) = delete;
    ServerPool& operator=(const ServerPool&) = delete;

    /// Where it listens or has listened, with the real port. From any thread.
    const Address& address() const noexcept;
    const std::vector<Address>& addresses() const noexcept;

    /// The connections of one loop: for that loop's thread alone.
    ConnectionSet& connections(std::size_t place) noexcept;
    /// How many it has, those on their way to it included; one that was made by `connections`
    /// itself from the next on that comes or goes there. From any thread, and soon out of date.
    std::size_t load(std::size_t place) const noexcept;

    /// Those of all loops together, each asked in its turn; waits.
    ConnectionStats stats() const;
    /// Clients closed as soon as they came: see `Server::shed`; waits.
    std::uint64_t shed() const;

    /// Called when the socket of a listener is broken and nobody is accepted there any more (see
    /// `Listener::set_on_error`), with the loop that accepted there and the address, on that loop's
    /// thread: once for each, and never twice at the same time. Loops that share the socket
    /// (`Spread::exclusive`) say so as they find out. The others and the connections go on. Waits.
    void
    set_on_error(UniqueFunction<void(std::size_t place, const Address&, std::error_code)> on_error);

    /// Gives this loop no more connections; those it has go on; waits. No client in the kernel's
    /// queue is lost while others go on: with `reuse_port` the loop accepts its own queue first,
    /// up to `max_connections` (see `Server::stop_accepting`, also for the instant in which one may
    /// be lost all the same), with the others the queue stays. The loop that accepts for all goes
    /// on doing so. When the last one is retired nobody listens, and the address is free. Throws
    /// what `on_open` throws; the loop is retired then as well.
    void retire(std::size_t place);

    /// Ends in good order: stops accepting, closes every connection on its loop
    /// (`Connection::close`: what was sent is delivered), and when all are gone, or after
    /// `timeout`, when those left are aborted, calls `on_done` on one of the loops. Sockets that
    /// are on their way to a loop open there, and are closed in the same good order: as for every
    /// connection, what the peer sent and nobody has read yet is not answered. Where it must be,
    /// as a `SocketServer` does, let connections end by themselves before.
    /// Clients that are still in the kernel's queue are reset, but with `ListenOptions::reuse_port`
    /// or `Spread::reuse_port` accepted first.
    ///
    /// From any thread. Returns at once. `on_done` is destroyed and not called when the pool ends
    /// before, or when another call of this replaces it.
    void drain(Clock::duration timeout, Task on_done);
    /// The same, and waits until it is done. False where `on_done` would not have been called.
    bool drain(Clock::duration timeout);

private:
    struct State;
    std::shared_ptr<State> state_;
};

} // namespace pollux
