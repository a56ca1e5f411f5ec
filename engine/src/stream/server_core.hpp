#pragma once

// One loop's part of serving: a set of connections and the listeners it accepts from. A `Server` is
// one of these, a `ServerPool` has one on each loop.

#include <memory>
#include <optional>
#include <pollux/stream/server.hpp>
#include <span>
#include <system_error>
#include <vector>

namespace pollux {

/// `Socket::listen`, with what accepted sockets inherit: small messages leave at once.
Socket listen_for_clients(const Address& address, const ListenOptions& options);

/// How listeners of such a server accept: at that trigger.
AcceptOptions accept_options(const ServerOptions& options, Trigger trigger);

/// `Server::set_on_error` for those listeners.
void set_on_error_of(std::span<Listener> listeners,
                     UniqueFunction<void(const Address&, std::error_code)> on_error);

// Shared with whatever of it runs while a handler destroys the server.
struct ServerCore : std::enable_shared_from_this<ServerCore> {
    ServerCore(EventLoop& on, ConnectionHandlers handlers, const ServerOptions& how);

    /// Accepts from that socket too.
    void listen(Socket socket, Trigger trigger, Listener::Accept on_accept);
    void listen(Socket socket, Trigger trigger);

    /// Serves an accepted socket. For `on_count` it is there already.
    void take(Socket socket);

    /// What becomes of the clients in the kernel's queue.
    enum class Queue : std::uint8_t { left, taken };
    /// Closes the listeners.
    void stop_listening(Queue queue);
    void stop_listening() {
        stop_listening(options.listen.reuse_port ? Queue::taken : Queue::left);
    }

    void drain(Clock::duration timeout, Task on_done);
    /// Ends all at once; nothing is called after this.
    void end() noexcept;
    std::uint64_t all_shed() const noexcept;

    bool is_full() const noexcept { return connections->size() >= options.max_connections; }
    void on_gone();
    void tell_count();
    void end_if_drained();
    void finish_draining();

    EventLoop& loop;
    ServerOptions options;
    bool stopping = false;
    std::optional<ConnectionSet> connections; // none: the server is gone
    std::vector<Listener> listeners;
    std::uint64_t shed = 0; // but for the listeners' own
    // Called with how many connections there are more, modulo 2^n, than `counted`.
    UniqueFunction<void(std::size_t)> on_count;
    std::size_t counted = 0;
    bool draining = false;
    Task on_drained;
    Timer drained;
};

} // namespace pollux
