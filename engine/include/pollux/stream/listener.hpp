#pragma once

#include <cstdint>
#include <memory>
#include <pollux/event_loop.hpp>
#include <pollux/net/address.hpp>
#include <pollux/net/socket.hpp>
#include <system_error>

namespace pollux {

/// How a listener accepts.
struct AcceptOptions {
    Trigger trigger = Trigger::level;
    /// Connections accepted in one visit, the others have their turn before the rest. 0: one at
    /// level trigger and the exclusive one, where the kernel tells again and an accept that finds
    /// nothing costs ten times a read that finds nothing; else 16.
    int accepts_per_visit = 0;
    /// How long it pauses when the kernel has neither a descriptor nor memory for a client.
    Clock::duration back_off = std::chrono::milliseconds{100};
};

/// Accepts connections for as long as it lives. It keeps accepting whatever happens to one
/// connection: errors of the network (accept(2)) and exceptions of the callback leave it as it was.
///
/// Without descriptors (EMFILE, ENFILE) it closes the next client with a descriptor kept in
/// reserve, so that the client sees an end instead of hanging. Without that, or without memory
/// (ENOBUFS, ENOMEM), it pauses (`AcceptOptions::back_off`): clients wait in the queue, and nothing
/// spins.
class Listener {
public:
    /// Takes the connection.
    using Accept = UniqueFunction<void(Socket)>;

    /// Takes a listening socket (`Socket::listen`).
    Listener(EventLoop& loop, Socket socket, Accept on_accept, AcceptOptions options = {});
    ~Listener();
    Listener(Listener&&) noexcept;
    Listener& operator=(Listener&&) noexcept;

    /// Where it listens, with the real port. Throws as `Socket::local`.
    Address address() const;

    /// Leaves clients waiting in the kernel's queue.
    void pause();
    void resume();

    /// Accepts all who wait in the kernel's queue, at once and whatever `accepts_per_visit` says,
    /// unless it is paused or becomes so: destroying a listener resets those who are left in its
    /// queue. Who connects between this and the end is lost all the same. Throws what the callback
    /// throws.
    void accept_waiting();

    /// Called once when the socket itself is broken (it was shut down, EINVAL, or is no listener),
    /// and nothing can be accepted any more.
    void set_on_error(UniqueFunction<void(std::error_code)> on_error);

    /// How many clients were closed for want of a descriptor.
    std::uint64_t shed() const noexcept;

private:
    struct State;
    std::shared_ptr<State> state_;
};

} // namespace pollux
