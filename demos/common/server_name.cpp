#include "server_name.hpp"

#include <pollux/net/resolve.hpp>
#include <stdexcept>
#include <system_error>

namespace demos {

using namespace pollux;

ServerName ServerName::of(const std::string& host, int port) {
    ServerName server{.host = host, .service = std::to_string(port), .address = {}};
    // No name holds a colon: that was meant as an address, and is told what is wrong with it.
    const bool is_name = host.find(':') == std::string::npos && needs_lookup(host, server.service);
    if (!is_name) server.address = Address::of(host, port);
    const bool has_port = !server.address || server.address->family() != AF_UNIX;
    if (has_port && port == 0)
        throw std::invalid_argument{"--port is missing: where the server listens"};
    return server;
}

Address ServerName::look_up_and_wait() const {
    if (address) return *address;
    try {
        return resolve(host, service, {.type = SOCK_DGRAM}).front();
    } catch (const std::system_error& error) {
        throw std::system_error{error.code(), host};
    }
}

} // namespace demos
