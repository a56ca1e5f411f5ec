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

    /// Sends it: nothing else may be sent while it is on its way. The connection is aborted when
    /// its peer ends before it has the file; it may be gone when this returns.
    void send(pollux::ConnectionSet& connections, pollux::ConnectionId id, OutgoingFile file);
    /// Whether one is on its way. To be asked after `send` and in `on_drain`.
    bool sending(const pollux::Connection& connection);
    /// The connection has ended.
    void give_up();

private:
    void look(pollux::Connection& connection);

    pollux::EventLoop& loop_;
    std::uint64_t size_ = 0;
    std::optional<ProgressBar> bar_;
    pollux::Timer progress_;
};

} // namespace demos
