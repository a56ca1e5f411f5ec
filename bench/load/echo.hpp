#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "options.hpp"
#include "result.hpp"
#include "socket.hpp"

namespace load {

/// A closed loop of messages on each connection: the next one leaves when an answer has come, so
/// that `depth` are always under way. A latency counts from the moment that the message was due to
/// leave, here when it is handed to the kernel; an open loop would put the planned moment there.
class EchoLoad {
public:
    EchoLoad(const Options& options, std::span<const Fd> sockets);

    /// Sends `depth` messages on each connection and waits for all answers. Throws `Failure` that
    /// says how many connections have had one.
    void greet();

    /// Sends until the goal is reached and every answer has come. Throws `Failure`.
    Result run(const Goal& goal);

private:
    struct Connection {
        std::uint64_t queued = 0;   ///< Positions in the stream: messages begun,
        std::uint64_t sent = 0;     ///< taken by the kernel,
        std::uint64_t answered = 0; ///< and come back.
        bool waits_for_room = false;
    };

    bool may_start(std::int64_t time, const Goal& goal) const noexcept;
    void start(std::size_t index, std::int64_t time);
    void receive(std::size_t index, const Goal& goal);
    void check(std::size_t index, std::span<const char> bytes) const;
    void finish_messages(std::size_t index, std::uint64_t before, const Goal& goal);
    void flush(std::size_t index);
    std::int64_t& due(std::size_t index, std::uint64_t message) noexcept;

    const Options& options_;
    std::span<const Fd> sockets_;
    Poller poller_;
    Pattern pattern_;
    std::vector<Connection> connections_;
    std::vector<std::int64_t> due_; ///< `depth` places for each connection.
    std::vector<char> buffer_ = std::vector<char>(Pattern::longest);
    std::uint64_t started_ = 0;
    Result result_;
};

} // namespace load
