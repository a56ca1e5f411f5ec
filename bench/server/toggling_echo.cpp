#include "server/toggling_echo.hpp"

#include "work.hpp"

#include <utility>

namespace bench {

using namespace pollux;

namespace {

Socket listen_for_clients(const Address& address, const ListenOptions& options) {
    Socket socket = Socket::listen(address, options);
    if (address.family() != AF_UNIX) socket.set(option::no_delay, true); // and those it accepts
    return socket;
}

} // namespace

TogglingEcho::TogglingEcho(EventLoop& loop, const Address& address, const Options& options)
    : loop_{loop},
      options_{options},
      listener_{loop, listen_for_clients(address, options.listen),
                [this](Socket socket) { take(std::move(socket)); }, options.accept} {}

void TogglingEcho::take(Socket socket) {
    ++accepted_;
    const int fd = socket.fd();
    auto& client = clients_[fd] = std::make_unique<Client>(Client{.socket = std::move(socket)});
    client->watch = loop_.watch(fd, Interest::read, options_.accept.trigger,
                                [this, &client = *client](Readiness) {
                                    if (client.waiting.empty())
                                        read(client);
                                    else
                                        write(client);
                                });
}

void TogglingEcho::read(Client& client) {
    const auto into = loop_.scratch().first(options_.read_size);
    const IoResult result = client.socket.read(into);
    if (result.state == IoState::would_block) return client.watch.rearm();
    if (result.state != IoState::ok) return drop(client);
    burn(options_.work);
    client.waiting = text_of(into.first(result.bytes));
    client.watch.set_interest(Interest::write);
}

// Every change of the registration has an edge reported again, so nothing has to be read or
// written until it would block.
void TogglingEcho::write(Client& client) {
    const IoResult result = client.socket.write(bytes_of(client.waiting));
    if (result.state == IoState::error) return drop(client);
    if (result.state == IoState::ok) client.waiting.erase(0, result.bytes);
    client.watch.set_interest(client.waiting.empty() ? Interest::read : Interest::write);
}

void TogglingEcho::drop(Client& client) { clients_.erase(client.socket.fd()); }

} // namespace bench
