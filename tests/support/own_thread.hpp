#pragma once

#include <functional>

namespace pollux_test {

/// Runs `body` in a thread of its own and waits for it. Signals to the process reach that thread;
/// what it throws, this one throws.
///
/// For what uses io_uring: when a ring has been closed, the kernel comes back, a moment later, to
/// each thread that has used it. Should that one sleep in epoll_wait(2) then, it is woken with
/// EINTR, and the next case would wonder.
void in_own_thread(const std::function<void()>& body);

} // namespace pollux_test
