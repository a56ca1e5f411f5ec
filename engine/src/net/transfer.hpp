#pragma once

// recv and send as results, for those who make them with every message: inline, so that a request
// pays for the two calls and not for the way there as well.

#include <pollux/bytes.hpp>
#include <pollux/net/io_result.hpp>
#include <span>

#include "net/outcome.hpp"
#include "sys.hpp"

namespace pollux {

/// `into` must not be empty: nothing asked for and nothing left look the same.
inline IoResult receive_bytes(int fd, std::span<std::byte> into, int flags = 0) noexcept {
    ssize_t count = 0;
    do count = sys::recv(fd, into.data(), into.size(), flags);
    while (count < 0 && errno == EINTR);
    if (count == 0) [[unlikely]]
        return {.bytes = 0, .state = IoState::end, .error = 0};
    return moved(count);
}

/// How many were sent; below zero errno says why none were.
inline ssize_t send_some(int fd, ByteView bytes, int flags = 0) noexcept {
    ssize_t count = 0;
    do count = sys::send(fd, bytes.data(), bytes.size(), flags | MSG_NOSIGNAL);
    while (count < 0 && errno == EINTR);
    return count;
}

inline IoResult send_bytes(int fd, ByteView bytes, int flags = 0) noexcept {
    return moved(send_some(fd, bytes, flags));
}

} // namespace pollux
