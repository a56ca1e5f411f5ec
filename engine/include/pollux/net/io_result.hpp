#pragma once

#include <cstddef>
#include <cstdint>
#include <system_error>

namespace pollux {

/// How a read or a write on a stream went.
enum class IoState : std::uint8_t {
    ok,          ///< `bytes` were moved; perhaps fewer than asked for.
    would_block, ///< Nothing was moved: wait until the socket is ready and try again.
    end,         ///< Reads only: the peer has shut its side and everything was read.
    error,       ///< Nothing was moved, and `error` says why.
};

/// The outcome of a read or a write: the states a stream is expected to be in are values.
struct IoResult {
    std::size_t bytes = 0; ///< More than 0 only when `ok`; 0 and `ok` when 0 were asked for.
    IoState state = IoState::ok;
    int error = 0; ///< An errno value when `state` is `error`; else 0.

    /// `error` for comparison with `std::errc`; false when there is none.
    std::error_code error_code() const noexcept { return {error, std::generic_category()}; }
};
static_assert(sizeof(IoResult) == 16, "returned in two registers");

} // namespace pollux
