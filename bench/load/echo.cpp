#include "echo.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <sys/socket.h>

#include "clock.hpp"

namespace load {

EchoLoad::EchoLoad(const Options& options, std::span<const Fd> sockets)
    : options_(options),
      sockets_(sockets),
      poller_(options),
      pattern_(options.mode == Options::Mode::upper),
      connections_(sockets.size()),
      due_(sockets.size() * options.depth) {
    for (std::size_t i = 0; i < sockets.size(); ++i) poller_.add(sockets[i].get(), i, EPOLLIN);
}

Result EchoLoad::run(const Goal& goal) {
    result_ = {};
    started_ = 0;
    result_.started = now();
    for (std::size_t i = 0; i < connections_.size(); ++i) {
        for (std::size_t n = 0; n < options_.depth && started_ < goal.amount; ++n) start(i, now());
        flush(i);
    }
    while (result_.requests < started_) {
        const auto& events = poller_.wait();
        ++result_.waits;
        for (std::size_t i = 0; i < poller_.found(); ++i) {
            const auto index = static_cast<std::size_t>(events[i].data.u64);
            if ((events[i].events & ~std::uint32_t{EPOLLOUT}) != 0) receive(index, goal);
            if ((events[i].events & EPOLLOUT) != 0) flush(index);
        }
    }
    result_.ended = now();
    return result_;
}

void EchoLoad::greet() {
    try {
        run({.amount = connections_.size() * options_.depth});
    } catch (const Failure& failure) {
        const auto answered =
            std::ranges::count_if(connections_, [&](const Connection& connection) {
                return connection.answered >= options_.size;
            });
        throw Failure{std::to_string(answered) + " of " + std::to_string(connections_.size()) +
                      " connections answered, then " + failure.what()};
    }
}

bool EchoLoad::may_start(std::int64_t time, const Goal& goal) const noexcept {
    return time < goal.deadline && started_ < goal.amount;
}

void EchoLoad::start(std::size_t index, std::int64_t time) {
    Connection& connection = connections_[index];
    due(index, connection.queued / options_.size) = time;
    connection.queued += options_.size;
    ++started_;
}

void EchoLoad::receive(std::size_t index, const Goal& goal) {
    Connection& connection = connections_[index];
    const ssize_t count = recv(sockets_[index].get(), buffer_.data(), buffer_.size(), 0);
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (count < 0) fail("connection " + std::to_string(index + 1) + ": recv");
    if (count == 0)
        throw Failure{"the server closed connection " + std::to_string(index + 1) + " after " +
                      std::to_string(connection.answered) + " bytes"};
    check(index, {buffer_.data(), static_cast<std::size_t>(count)});
    const std::uint64_t before = connection.answered;
    connection.answered += static_cast<std::uint64_t>(count);
    finish_messages(index, before, goal);
    flush(index);
}

void EchoLoad::check(std::size_t index, std::span<const char> bytes) const {
    const Connection& connection = connections_[index];
    const char* const expected = pattern_.answer_at(connection.answered);
    if (connection.answered + bytes.size() <= connection.sent &&
        std::memcmp(bytes.data(), expected, bytes.size()) == 0)
        return;
    const auto same = static_cast<std::uint64_t>(
        std::mismatch(bytes.begin(), bytes.end(), expected).first - bytes.begin());
    throw Failure{"connection " + std::to_string(index + 1) + ": byte " +
                  std::to_string(connection.answered + same) +
                  " is not the one that must come back"};
}

void EchoLoad::finish_messages(std::size_t index, std::uint64_t before, const Goal& goal) {
    const std::int64_t time = now();
    const std::uint64_t end = connections_[index].answered / options_.size;
    for (std::uint64_t message = before / options_.size; message < end; ++message) {
        result_.latency.record(static_cast<std::uint64_t>(time - due(index, message)));
        result_.bytes += options_.size;
        ++result_.requests;
        if (may_start(time, goal)) start(index, time);
    }
}

void EchoLoad::flush(std::size_t index) {
    Connection& connection = connections_[index];
    bool blocked = false;
    while (connection.sent < connection.queued && !blocked) {
        const auto size = static_cast<std::size_t>(
            std::min<std::uint64_t>(connection.queued - connection.sent, Pattern::longest));
        const ssize_t count =
            send(sockets_[index].get(), pattern_.at(connection.sent), size, MSG_NOSIGNAL);
        if (count < 0 && errno != EAGAIN)
            fail("connection " + std::to_string(index + 1) + ": send");
        blocked = count < 0;
        connection.sent += blocked ? 0 : static_cast<std::uint64_t>(count);
    }
    if (blocked != connection.waits_for_room)
        poller_.modify(sockets_[index].get(), index, blocked ? EPOLLIN | EPOLLOUT : EPOLLIN);
    connection.waits_for_room = blocked;
}

std::int64_t& EchoLoad::due(std::size_t index, std::uint64_t message) noexcept {
    return due_[index * options_.depth + static_cast<std::size_t>(message % options_.depth)];
}

} // namespace load
