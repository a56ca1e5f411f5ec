#include "torture/plain_server.hpp"

#include <array>
#include <cerrno>
#include <pollux/error.hpp>
#include <sys/socket.h>

namespace pollux_test {

using namespace pollux;

namespace {

// Whether there may be more. What comes is so little that it goes back at once.
bool answer(const Fd& client) {
    std::array<char, 16384> some;
    const ssize_t count = ::recv(client.get(), some.data(), some.size(), MSG_DONTWAIT);
    if (count <= 0) return count < 0 && (errno == EAGAIN || errno == EINTR);
    return ::send(client.get(), some.data(), static_cast<std::size_t>(count), MSG_NOSIGNAL) > 0;
}

} // namespace

PlainServer::PlainServer(const Address& at)
    : listening_{
          check(::socket(at.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), "socket")} {
    check(::bind(listening_.get(), at.data(), at.size()), "bind");
    check(::listen(listening_.get(), 16), "listen");
    sockaddr_storage name{};
    socklen_t size = sizeof name;
    auto* const bytes = reinterpret_cast<sockaddr*>(&name);
    check(::getsockname(listening_.get(), bytes, &size), "getsockname");
    address_ = Address::from(bytes, size);
}

void PlainServer::step() {
    const int client = ::accept4(listening_.get(), nullptr, nullptr, SOCK_CLOEXEC);
    if (client >= 0) clients_.emplace_back(client);
    std::erase_if(clients_, [](const Fd& each) { return !answer(each); });
}

} // namespace pollux_test
