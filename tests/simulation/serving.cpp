#include "serving.hpp"

#include <algorithm>
#include <utility>

using namespace pollux;

namespace pollux_test {

Clients::Clients(Simulation& simulation, Choices& choices, Address server)
    : simulation_{simulation}, choices_{choices}, server_{server} {}

ScriptedClient& Clients::add(Script script) {
    begun_ = true;
    return clients_.emplace_back(simulation_, choices_, server_, std::move(script),
                                 "client " + std::to_string(clients_.size() + 1));
}

bool Clients::all_done() const { return std::ranges::all_of(clients_, &ScriptedClient::is_done); }

void Clients::check() const {
    for (const ScriptedClient& client : clients_) client.check();
}

NotingServer::NotingServer(const Mode& mode, ServerOptions options,
                           const std::function<void(ConnectionHandlers&)>& change)
    : loop{mode.backend} {
    options.connection.trigger = mode.trigger;
    ConnectionHandlers handlers = note_and_echo(seen);
    if (change) change(handlers);
    server.emplace(loop, Address::ipv4_loopback(7777), std::move(handlers), options);
}

void NotingServer::serve(const Clients& clients) {
    pollux::run_until(loop, [&] {
        return clients.all_done() && server->connections().size() == 0 &&
               seen.closed.size() == static_cast<std::size_t>(seen.opened);
    });
    clients.check();
}

} // namespace pollux_test
