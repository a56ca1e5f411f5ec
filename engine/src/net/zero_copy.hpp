#pragma once

// Bytes that go from descriptor to descriptor inside the kernel. No call reports EINTR, and none
// raises SIGPIPE, though the kernel's calls have no flag against it.

#include <cstddef>
#include <cstdint>
#include <pollux/net/io_result.hpp>

namespace pollux {

/// Sends a part of a file, at most `count` bytes, to a socket that does not block; sendfile(2).
/// `end`: there is no byte at `offset`.
IoResult send_from_file(int socket, int file, std::uint64_t offset, std::size_t count) noexcept;

/// Moves what has come, at most `most` bytes, from a stream socket into a pipe; splice(2). `end`:
/// the peer has ended, or TCP's urgent byte is next. `would_block`: nothing has come, or the pipe
/// is full.
IoResult splice_from_socket(int socket, int pipe, std::size_t most) noexcept;

/// Sends what a pipe holds, at most `most` bytes. `would_block`: the pipe is empty, or the socket
/// takes nothing now.
IoResult splice_to_socket(int pipe, int socket, std::size_t most) noexcept;

} // namespace pollux
