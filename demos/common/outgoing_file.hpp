#pragma once

#include "progress_bar.hpp"

#include <cstdint>
#include <optional>
#include <pollux/stream/connection_set.hpp>
#include <string>

namespace demos {

/// A file to be sent.
struct OutgoingFile {
    pollux::Fd fd;
    std::uint64_t size = 0;
    std::string name; ///< The last part of its path.

    /// Throws `std::system_error`, and `std::invalid_argument` when it is no regular file.
    static OutgoingFile open(const std::string& path);
};

/// Sends files on a connection, one at a time, with a progress bar.
class FileSender {
public:
    explicit FileSender(pollux::EventLoop& loop) : loop_{loop} {}

    /// Begins to send. The connection is aborted when its peer ends before it has the file, and
    /// when the file cannot be read to the size that it had.
    void send(pollux::ConnectionSet& connections, pollux::ConnectionId id, OutgoingFile file);
    enum class State : std::uint8_t {
        idle, ///< There is none, or all of it was sent.
        busy, ///< There is more to send: when `on_drain` is called.
        lost, ///< The connection has ended.
    };
    /// Goes on. To be called after `send` and in `on_drain`.
    State go_on(pollux::Connection& connection);
    /// The connection has ended.
    void give_up();

private:
    void look(pollux::Connection& connection);
    bool send_part(pollux::Connection& connection);

    pollux::EventLoop& loop_;
    OutgoingFile file_;
    std::uint64_t sent_ = 0;
    std::optional<ProgressBar> bar_;
    pollux::Timer progress_;
};

} // namespace demos
