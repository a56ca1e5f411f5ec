#pragma once

#include "instruments/answerer.hpp"

namespace pollux {

// Which calls a fault could really befall. What the kernel never does is not injected: it would
// only show that a lie goes wrong.

/// It moves bytes or messages, and may move fewer than it is asked to.
bool can_be_short(Call call) noexcept;
/// It moves several messages, each whole.
bool is_batch(Call call) noexcept;
/// A socket of SOCK_STREAM, a pipe, a file: what is moved may be cut anywhere. Not an event or
/// signal descriptor, nor a socket of messages.
bool is_byte_stream(int fd) noexcept;
/// As it is asked, this call can fail at all.
bool can_fail(const AskedCall& call) noexcept;
/// Its errors are reported of something that has been done all the same: a descriptor is closed, a
/// connection under way, a process waited for by somebody.
bool fails_when_made(Call call, int error) noexcept;

} // namespace pollux
