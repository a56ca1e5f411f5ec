#include "torture/plain_client.hpp"

#include "support/contract.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

namespace pollux_test {

using namespace pollux;

namespace {

// None when it is refused.
Fd connected_to(const Address& server) {
    Fd socket{::socket(server.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
    const int result = ::connect(socket.get(), server.data(), server.size());
    const int error = result == 0 ? 0 : errno;
    if (error == ECONNREFUSED) return {};
    REQUIRE_MESSAGE((error == 0 || error == EINPROGRESS), "connect: ", error);
    return socket;
}

} // namespace

PlainClient::PlainClient(const Address& server, std::string_view text, std::string_view answer,
                         std::size_t piece)
    : PlainClient{connected_to(server), text, answer, piece} {}

PlainClient::PlainClient(Fd connected, std::string_view text, std::string_view answer,
                         std::size_t piece)
    : socket_{std::move(connected)}, text_{text}, answer_{answer}, piece_{piece}, over_{!socket_} {}

void PlainClient::step() {
    if (over_) return;
    send_piece();
    receive();
    if (!over_) send_piece(); // what the answer lets go: nobody else tells of it
}

void PlainClient::send_piece() {
    const std::size_t answered = text_.size() <= piece_ ? 0 : received_.size();
    const std::size_t until = std::min(text_.size(), (answered / piece_ + 1) * piece_);
    while (sent_ < until) {
        const ssize_t count =
            ::send(socket_.get(), text_.data() + sent_, until - sent_, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (count <= 0) return; // what is wrong the reading tells
        sent_ += static_cast<std::size_t>(count);
    }
    if (!ended_ && sent_ == text_.size() && received_.size() >= answer_.size()) {
        ::shutdown(socket_.get(), SHUT_WR);
        ended_ = true;
    }
}

void PlainClient::receive() {
    std::array<char, 16384> some;
    while (true) {
        const ssize_t count = ::recv(socket_.get(), some.data(), some.size(), MSG_DONTWAIT);
        if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
        if (count <= 0) {
            over_ = true;
            served_ = count == 0 && ended_ && received_ == answer_;
            socket_.reset();
            return;
        }
        received_.append(some.data(), static_cast<std::size_t>(count));
    }
}

Address own_address(std::string_view word) {
    return Address::abstract("pollux-torture-" + std::to_string(::getpid()) + "-" +
                             std::string{word});
}

} // namespace pollux_test
