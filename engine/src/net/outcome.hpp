#pragma once

#include <cerrno>
#include <pollux/net/io_result.hpp>
#include <sys/types.h>

namespace pollux {

static_assert(EAGAIN == EWOULDBLOCK);

/// The result of a call that is repeated as long as a signal interrupts it.
template <class Call> auto uninterrupted(Call call) noexcept {
    for (;;) {
        const auto result = call();
        if (result >= 0 || errno != EINTR) return result;
    }
}

inline IoResult failed(int error) noexcept {
    if (error == EAGAIN) return {.bytes = 0, .state = IoState::would_block, .error = 0};
    return {.bytes = 0, .state = IoState::error, .error = error};
}

/// What a call that moves bytes, and sets errno, answered.
inline IoResult moved(ssize_t count) noexcept {
    if (count < 0) [[unlikely]]
        return failed(errno);
    return {.bytes = static_cast<std::size_t>(count), .state = IoState::ok, .error = 0};
}

} // namespace pollux
