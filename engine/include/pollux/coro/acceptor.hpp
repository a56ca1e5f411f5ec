#pragma once

#include <cstdint>
#include <memory>
#include <pollux/coro/wait.hpp>
#include <pollux/event_loop.hpp>
#include <pollux/net/address.hpp>
#include <pollux/net/socket.hpp>
#include <pollux/stream/listener.hpp>

namespace pollux::coro {

class AcceptorCore;

/// Made by `Acceptor::accept`.
class [[nodiscard]] Accept final : public Wait {
public:
    ~Accept() override;
    Socket await_resume();

private:
    friend class Acceptor;
    friend class AcceptorCore;
    explicit Accept(AcceptorCore& core) noexcept : core_{&core} {}
    bool start() override;
    bool give_up() noexcept override;
    void put_off() override;

    AcceptorCore* core_; // null: given up
    Socket socket_;
};

/// Accepts connections, one for each await.
///
///     for (;;) clients.start(serve({loop, co_await acceptor.accept()}));
///
/// It is a `Listener`, and does as that does without descriptors or memory. While nobody awaits,
/// clients wait in the kernel's queue: the first to come then is accepted and kept for the next
/// await, and the listener pauses.
class Acceptor {
public:
    /// Takes a listening socket (`Socket::listen`). Throws as `EventLoop::watch`.
    Acceptor(EventLoop& loop, Socket listening, AcceptOptions options = {});
    /// Whoever awaits gets `std::system_error` EBADF.
    ~Acceptor();
    Acceptor(Acceptor&&) noexcept;
    Acceptor& operator=(Acceptor&&) noexcept;

    /// Waits for the next connection: a connected socket. Throws `std::system_error` when the
    /// listening socket itself is broken (see `Listener::set_on_error`), `Cancelled`, and
    /// `std::logic_error` when another task awaits already. A task that is stopped, or destroyed,
    /// while it awaits loses no connection.
    Accept accept() noexcept;

    /// As of `Listener`.
    Address address() const;
    std::uint64_t shed() const noexcept;

private:
    std::unique_ptr<AcceptorCore> core_;
};

} // namespace pollux::coro
