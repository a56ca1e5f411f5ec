#include <pollux/coro/connect.hpp>

#include <utility>

namespace pollux::coro {

Connector::Completion Connect::completion() {
    return [this](Socket socket, std::error_code error) {
        socket_ = std::move(socket);
        error_ = error;
        resume();
    };
}

bool Connect::start() {
    if (const auto* const address = std::get_if<Address>(&target_)) {
        attempt_.emplace<Connector>(loop(), *address, timeout_, completion());
    } else {
        const Host& host = std::get<Host>(target_);
        attempt_.emplace<HostConnector>(loop(), *host.resolver, host.name, host.service, timeout_,
                                        host.options, completion());
    }
    return true;
}

bool Connect::give_up() noexcept {
    attempt_.emplace<std::monostate>();
    return true;
}

Socket Connect::await_resume() {
    finish();
    if (!error_) return std::move(socket_);
    const auto* const address = std::get_if<Address>(&target_);
    throw std::system_error{
        error_,
        "connect " + (address != nullptr ? address->to_string() : std::get<Host>(target_).name)};
}

Connect connect(const Address& address, Clock::duration timeout) { return {address, timeout}; }

Connect connect(Resolver& resolver, std::string_view host, std::string_view service,
                Clock::duration timeout, const HostConnectorOptions& options) {
    return {Connect::Host{&resolver, std::string{host}, std::string{service}, options}, timeout};
}

} // namespace pollux::coro
