#include <pollux/stream/server.hpp>

#include <stdexcept>
#include <utility>

#include "stream/server_core.hpp"

namespace pollux {

Server::Server(EventLoop& loop, const Address& address, ConnectionHandlers handlers,
               ServerOptions options)
    : Server{loop, std::span{&address, 1}, std::move(handlers), options} {}
Server::Server(EventLoop& loop, std::span<const Address> addresses, ConnectionHandlers handlers,
               ServerOptions options)
    : core_{std::make_shared<ServerCore>(loop, std::move(handlers), options)} {
    if (addresses.empty()) throw std::invalid_argument{"Server: no address to listen at"};
    for (const Address& address : addresses)
        core_->listen(listen_for_clients(address, options.listen), options.connection.trigger);
}
Server::~Server() { core_->end(); }

Address Server::address() const {
    if (core_->listeners.empty()) throw std::logic_error{"Server::address: it does not listen"};
    return core_->listeners.front().address();
}
std::vector<Address> Server::addresses() const {
    std::vector<Address> all;
    for (const Listener& listener : core_->listeners) all.push_back(listener.address());
    return all;
}
ConnectionSet& Server::connections() noexcept { return *core_->connections; }
void Server::set_on_error(UniqueFunction<void(const Address&, std::error_code)> on_error) {
    set_on_error_of(core_->listeners, std::move(on_error));
}
std::uint64_t Server::shed() const noexcept { return core_->all_shed(); }
void Server::stop_accepting() { core_->stop_listening(); }
void Server::drain(Clock::duration timeout, Task on_done) {
    core_->drain(timeout, std::move(on_done));
}

} // namespace pollux
