#include "connection.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <sys/socket.h>

namespace load {

void Connection::open(Fd socket) {
    socket_ = std::move(socket);
    queued_ = sent_ = received_ = 0;
    reads_ = true;
    waits_for_room_ = false;
    watched_ = EPOLLIN;
    poller_->add(socket_.get(), index_, watched_);
}

void Connection::fail(const std::string& what) const {
    throw Failure{"connection " + std::to_string(index_ + 1) + ": " + what};
}

void Connection::flush() {
    waits_for_room_ = false;
    while (sent_ < queued_ && !waits_for_room_) {
        const auto bytes = protocol_->request_from(sent_);
        const auto size =
            static_cast<std::size_t>(std::min<std::uint64_t>(queued_ - sent_, bytes.size()));
        const ssize_t count = send(socket_.get(), bytes.data(), size, MSG_NOSIGNAL);
        if (count < 0 && (errno == EPIPE || errno == ECONNRESET)) break;
        if (count < 0 && errno != EAGAIN) fail(std::string{"send: "} + std::strerror(errno));
        waits_for_room_ = count < 0;
        sent_ += count < 0 ? 0 : static_cast<std::uint64_t>(count);
    }
    watch();
}

Connection::Read Connection::receive(std::span<char> room) noexcept {
    const ssize_t count = recv(socket_.get(), room.data(), room.size(), 0);
    if (count < 0) return {.error = errno};
    received_ += static_cast<std::uint64_t>(count);
    return {.count = static_cast<std::size_t>(count)};
}

void Connection::reads(bool interested) {
    reads_ = interested;
    watch();
}

void Connection::watch() {
    const std::uint32_t wanted =
        (reads_ ? std::uint32_t{EPOLLIN} : 0U) | (waits_for_room_ ? std::uint32_t{EPOLLOUT} : 0U);
    if (wanted != watched_) poller_->modify(socket_.get(), index_, wanted);
    watched_ = wanted;
}

} // namespace load
