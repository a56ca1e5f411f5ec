#include "connecting.hpp"

#include <pollux/error.hpp>
#include <sys/socket.h>

#include "listen_queue.hpp"
#include "sockets.hpp"

namespace pollux_test {

using pollux::Address;
using pollux::check;
using pollux::Fd;

namespace {

Address address_of(const Fd& socket) {
    return Address::ipv4_loopback(static_cast<std::uint16_t>(port_of(socket)));
}

Fd bound_socket() {
    Fd socket{check(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket")};
    const int on = 1; // so that a test may bind another one there
    check(::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on), "setsockopt");
    const Address any_port = Address::ipv4_loopback(0);
    check(::bind(socket.get(), any_port.data(), any_port.size()), "bind");
    return socket;
}

} // namespace

ClosedPort::ClosedPort() : bound_{bound_socket()}, address{address_of(bound_)} {}

FullListener::FullListener()
    : listener{tcp_listener(0)},
      client{tcp_client(port_of(listener))},
      address{address_of(listener)} {
    await_in_queue(listener, 1);
}

} // namespace pollux_test
