#include "torture/talker.hpp"

#include <array>
#include <cerrno>
#include <pollux/error.hpp>
#include <sys/socket.h>

namespace pollux_test {

using namespace pollux;

Talker::Talker(const Address& server)
    : socket_{::socket(server.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)} {
    check(::connect(socket_.get(), server.data(), server.size()), "connect");
}

void Talker::say(std::string_view text) {
    unsent_ += text;
    send_some();
}

void Talker::leave() {
    leaves_ = true;
    send_some();
}

void Talker::step() {
    if (over_) return;
    send_some();
    hear();
}

void Talker::send_some() {
    while (!unsent_.empty()) {
        const ssize_t count = ::send(socket_.get(), unsent_.data(), unsent_.size(), MSG_NOSIGNAL);
        if (count < 0) return; // what is wrong the hearing tells
        unsent_.erase(0, static_cast<std::size_t>(count));
    }
    if (leaves_ && !left_) ::shutdown(socket_.get(), SHUT_WR);
    left_ = leaves_;
}

void Talker::hear() {
    std::array<char, 16384> some;
    while (true) {
        const ssize_t count = ::recv(socket_.get(), some.data(), some.size(), 0);
        if (count < 0 && errno == EAGAIN) return;
        if (count <= 0) {
            over_ = true;
            broken_ = count < 0;
            return;
        }
        heard_.append(some.data(), static_cast<std::size_t>(count));
    }
}

} // namespace pollux_test
