#pragma once

#include <memory>
#include <pollux/event_loop.hpp>
#include <pollux/net/address.hpp>
#include <pollux/stream/connection_set.hpp>
#include <pollux/stream/listener.hpp>
#include <span>
#include <system_error>
#include <vector>

namespace pollux {

struct ServerCore;

/// How a server listens, accepts and serves.
struct ServerOptions {
    ConnectionOptions connection{};
    ListenOptions listen{};
    /// These two: see `AcceptOptions`; the trigger is that of the connections. Servers that share a
    /// port use `ListenOptions::reuse_port`; for the exclusive trigger make a `Listener` and a
    /// `ConnectionSet`.
    int accepts_per_visit = 0;
    Clock::duration accept_back_off = std::chrono::milliseconds{100};
    /// With so many connections the others wait in the kernel's queue.
    std::size_t max_connections = 10'000;
};

/// Listens and serves who connects with the same handlers: a `Listener` for each address and one
/// `ConnectionSet`. TCP connections send small messages at once (TCP_NODELAY), since what a
/// handler sends is gathered already. It must be destroyed before its loop; that ends all
/// connections.
///
///     Server server{loop, Address::parse("127.0.0.1:7777"),
///                   {.on_data = [](Connection& connection, ByteView data) {
///                       connection.send(data);
///                       return data.size();
///                   }}};
class Server {
public:
    /// Listens from now on. Throws `std::system_error` (EADDRINUSE, EACCES, …).
    Server(EventLoop& loop, const Address& address, ConnectionHandlers handlers,
           ServerOptions options = {});
    /// The same at several addresses: those of a host's name, or a port and a Unix path. Listens at
    /// all of them or throws; `std::invalid_argument` when there is none. IPv4 and IPv6 wild cards
    /// with one port need `ListenOptions::v6_only`, or the second is in use already.
    Server(EventLoop& loop, std::span<const Address> addresses, ConnectionHandlers handlers,
           ServerOptions options = {});
    ~Server();
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    /// Where it listens, with the real port: the first address, or all in their order. Only until
    /// `stop_accepting`; then `address` throws `std::logic_error`.
    Address address() const;
    std::vector<Address> addresses() const;

    /// The connections it has.
    ConnectionSet& connections() noexcept;

    /// Called when the socket of a listener is broken and nobody is accepted there any more (see
    /// `Listener::set_on_error`), with its address: once for each. The others and the connections
    /// go on. It may destroy the server.
    void set_on_error(UniqueFunction<void(const Address&, std::error_code)> on_error);

    /// Clients closed as soon as they came, for want of a descriptor or because the loop cannot
    /// watch theirs.
    std::uint64_t shed() const noexcept;

    /// Listens no more: the address is free, and clients in the kernel's queue are reset. The path
    /// of a Unix socket stays, as everywhere (unix(7)); the next listener takes it over.
    ///
    /// A server that shares its port (`ListenOptions::reuse_port`) accepts its queue first, up to
    /// `max_connections`: the kernel has given those clients to this socket, and gives them to no
    /// other when it is closed. So servers are replaced without losing who has connected: start the
    /// new one, `stop_accepting` on the old one, let its connections end, `drain`. Who connects in
    /// the instant between the last accept and the close is reset (but see `tcp_migrate_req` in
    /// the kernel's ip-sysctl). Throws what `on_open` throws; it listens no more then either.
    void stop_accepting();

    /// Ends in good order: stops accepting as above, closes every connection (`Connection::close`),
    /// and calls `on_done`, which may be empty, when all are gone, or after `timeout`, when those
    /// left are aborted. A second call replaces the time and the task of the first.
    void drain(Clock::duration timeout, Task on_done);

private:
    std::shared_ptr<ServerCore> core_;
};

} // namespace pollux
