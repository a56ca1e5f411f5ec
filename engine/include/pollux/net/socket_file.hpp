#pragma once

#include <cstddef>
#include <limits>
#include <optional>
#include <pollux/bytes.hpp>
#include <pollux/net/blocking_socket.hpp>
#include <string>
#include <string_view>

namespace pollux {

/// Reads and writes a stream like a file, by line or by count, with a buffer for each direction.
/// The socket stays the caller's and must outlive this; do not read from it otherwise, since some
/// of it may be in the buffer here already.
///
/// Throws what the calls of `BlockingSocket` throw. What was received until then is kept: after a
/// time-out the same call may be made again and misses nothing. The time-out is for each wait, not
/// for the whole call.
class SocketFile {
public:
    static constexpr std::size_t no_limit = std::numeric_limits<std::size_t>::max();

    explicit SocketFile(BlockingSocket& socket) noexcept : socket_{socket} {}

    /// The next line with its `\n`. Nothing: the stream has ended. Without `\n`: it has ended in
    /// the middle of a line, or the line is longer than `limit`, and its rest comes next.
    std::optional<std::string> read_line(std::size_t limit = no_limit);

    /// So many bytes; fewer only when the stream has ended behind them.
    std::string read(std::size_t count);

    /// All that comes until the end. Throws EMSGSIZE when it is more than `limit`; what was read
    /// is kept then.
    std::string read_all(std::size_t limit = no_limit);

    /// Keeps bytes to be sent, and sends when there are many. `flush` sends them now. There is no
    /// flush on destruction, since that could neither wait nor fail: what was not flushed is
    /// dropped. When sending fails, what was not sent is kept, and `flush` goes on behind it.
    void write(ByteView bytes);
    void write(std::string_view text) { write(bytes_of(text)); }
    void flush();

private:
    std::size_t available() const noexcept { return input_.size() - start_; }
    bool receive_more();
    std::string take(std::size_t count);

    BlockingSocket& socket_;
    std::string input_{}; ///< Bytes from `start_` on are unread.
    std::size_t start_ = 0;
    std::string output_{}; ///< Bytes from `sent_` on are not sent.
    std::size_t sent_ = 0;
};

} // namespace pollux
