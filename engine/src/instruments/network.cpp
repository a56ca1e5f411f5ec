#include "instruments/network.hpp"

#include <algorithm>
#include <cstring>
#include <netinet/in.h>

#include "instruments/datagram_socket.hpp"
#include "instruments/simulated_socket.hpp"
#include "instruments/world.hpp"

namespace pollux::simulated {
namespace {

bool is_any(const Address& address) {
    return address == Address::ipv4_any(address.port()) ||
           address == Address::ipv6_any(address.port());
}

Address with_port(const Address& address, std::uint16_t port) {
    sockaddr_storage storage{};
    std::memcpy(&storage, address.data(), address.size());
    auto* const name = reinterpret_cast<sockaddr*>(&storage);
    // The port is at the same place in both families.
    if (address.family() == AF_INET || address.family() == AF_INET6)
        reinterpret_cast<sockaddr_in*>(name)->sin_port = htons(port);
    return Address::from(name, address.size());
}

bool reaches(const Address& to, const Socket& socket) {
    if (to == socket.local) return true;
    return is_any(socket.local) && socket.local.family() == to.family() &&
           socket.local.port() == to.port();
}

bool overlap(const Address& one, const Address& other) {
    return one == other || (one.family() == other.family() && one.port() == other.port() &&
                            (is_any(one) || is_any(other)));
}

bool may_share(const Socket& one, const Socket& other) {
    const auto both = [&](int option) {
        return one.option(SOL_SOCKET, option) != 0 && other.option(SOL_SOCKET, option) != 0;
    };
    return both(SO_REUSEPORT) || (both(SO_REUSEADDR) && !one.is_listening() &&
                                  !other.is_listening() && one.type == SOCK_STREAM);
}

} // namespace

Address source_of(const Address& local) {
    if (!is_any(local)) return local;
    return local.family() == AF_INET ? Address::ipv4_loopback(local.port())
                                     : Address::ipv6_loopback(local.port());
}

bool Network::is_taken(const Socket& by, const Address& name) const {
    return std::ranges::any_of(bound_, [&](const Socket* other) {
        return other != &by && other->type == by.type && overlap(name, other->local) &&
               !may_share(by, *other);
    });
}

std::uint16_t Network::free_port(const Socket& by, const Address& like) {
    for (int tries = 0; tries < 20'000; ++tries) {
        last_port_ = last_port_ >= 59'999 ? 40'000 : static_cast<std::uint16_t>(last_port_ + 1);
        if (!is_taken(by, with_port(like, last_port_))) return last_port_;
    }
    return 0;
}

Result Network::bind(Socket& socket, const Address& wanted) {
    Address name = wanted;
    if (name.family() == AF_UNIX && !name.path().empty()) {
        if (has_path(name.path())) return -EADDRINUSE;
        paths_.emplace(name.path(), &socket);
    } else if (name.family() != AF_UNIX && name.port() == 0) {
        const std::uint16_t port = free_port(socket, name);
        if (port == 0) return -EADDRINUSE;
        name = with_port(name, port);
    } else if (is_taken(socket, name)) {
        return -EADDRINUSE;
    }
    socket.local = name;
    bound_.push_back(&socket);
    return 0;
}

void Network::bind_to_any(Socket& socket) {
    if (socket.family == AF_UNIX || !socket.local.unnamed()) return;
    const Address self =
        socket.family == AF_INET ? Address::ipv4_loopback(0) : Address::ipv6_loopback(0);
    static_cast<void>(bind(socket, self));
}

void Network::unbind(Socket& socket) {
    std::erase(bound_, &socket);
    for (auto& [path, bound] : paths_)
        if (bound == &socket) bound = nullptr;
}

Socket* Network::bound_to_path(std::string_view path) const {
    const auto found = paths_.find(path);
    return found == paths_.end() ? nullptr : found->second;
}

bool Network::unlink(std::string_view path) {
    const auto found = paths_.find(path);
    if (found == paths_.end()) return false;
    paths_.erase(found);
    return true;
}

std::vector<StreamSocket*> Network::listeners(const Address& at) const {
    const std::string_view path = at.path();
    std::vector<StreamSocket*> found;
    for (Socket* socket : bound_) {
        auto* const stream = dynamic_cast<StreamSocket*>(socket);
        if (stream == nullptr || !stream->is_listening()) continue;
        if (path.empty() ? reaches(at, *stream) : stream == bound_to_path(path))
            found.push_back(stream);
    }
    return found;
}

StreamSocket* Network::some_listener(const Address& at) const {
    const auto found = listeners(at);
    return found.empty() ? nullptr : found.front();
}

StreamSocket* Network::choose_listener(const Address& at) {
    const auto found = listeners(at);
    if (found.empty()) return nullptr;
    const bool varies = world_.options.vary.order_of_events;
    return found[varies ? world_.choose("which listener gets the client", found.size()) : 0];
}

DatagramSocket* Network::receiver(const Address& at) {
    for (Socket* socket : bound_)
        if (auto* const datagrams = dynamic_cast<DatagramSocket*>(socket);
            datagrams != nullptr && reaches(at, *datagrams))
            return datagrams;
    return nullptr;
}

} // namespace pollux::simulated
