#include "dialer.hpp"

#include <utility>

namespace demos {

using namespace pollux;

void ClientOptions::add_to(Options& options) {
    add_to_client(options);
    options.duration("--connect-timeout", connect_timeout,
                     "how long to look up and connect before giving up");
}

Dialer::Dialer(ConnectionSet& connections, const ClientOptions& options)
    : connections_{connections}, server_{options.server()}, timeout_{options.connect_timeout} {}

void Dialer::find(OnFound on_found) {
    if (!server_.address) return race(std::move(on_found));
    found_ = *server_.address;
    on_found({});
}

void Dialer::race(OnFound on_found) {
    EventLoop& loop = connections_.loop();
    if (!resolver_) resolver_.emplace(loop, pool_.emplace(WorkerPoolOptions{.threads = 1}));
    attempt_.emplace(
        loop, *resolver_, server_.host, server_.service, timeout_, HostConnectorOptions{},
        [this, on_found = std::move(on_found)](Socket socket, std::error_code error) mutable {
            found_ = error ? Address{} : socket.peer();
            first_ = std::move(socket);
            on_found(error);
        });
}

ConnectionId Dialer::connect() {
    return first_ ? connections_.adopt(std::exchange(first_, {}))
                  : connections_.connect(found_, timeout_);
}

} // namespace demos
