#pragma once

#include <pollux/clock.hpp>
#include <pollux/coro/wait.hpp>
#include <pollux/net/address.hpp>
#include <pollux/net/socket.hpp>
#include <pollux/stream/connector.hpp>
#include <pollux/stream/host_connector.hpp>
#include <string>
#include <string_view>
#include <system_error>
#include <variant>

namespace pollux::coro {

/// Made by `connect`.
class [[nodiscard]] Connect final : public Wait {
public:
    /// The connected socket, or throws `std::system_error`.
    Socket await_resume();

private:
    friend Connect connect(const Address& address, Clock::duration timeout);
    friend Connect connect(Resolver& resolver, std::string_view host, std::string_view service,
                           Clock::duration timeout, const HostConnectorOptions& options);
    struct Host {
        Resolver* resolver;
        std::string name;
        std::string service;
        HostConnectorOptions options;
    };
    Connect(std::variant<Address, Host> target, Clock::duration timeout)
        : target_{std::move(target)}, timeout_{timeout} {}
    bool start() override;
    bool give_up() noexcept override;
    Connector::Completion completion();

    std::variant<Address, Host> target_;
    Clock::duration timeout_;
    std::variant<std::monostate, Connector, HostConnector> attempt_;
    Socket socket_;
    std::error_code error_;
};

/// `co_await connect(address, 5s)` gives a connected socket, as `Connector` does. Throws
/// `std::system_error` that names the address (ECONNREFUSED, ETIMEDOUT …), and `Cancelled`.
Connect connect(const Address& address, Clock::duration timeout);

/// The same by name, as `HostConnector` does; the time covers the look-up too. The resolver must
/// live until it is done.
Connect connect(Resolver& resolver, std::string_view host, std::string_view service,
                Clock::duration timeout, const HostConnectorOptions& options = {});

} // namespace pollux::coro
