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

} // namespace pollux
