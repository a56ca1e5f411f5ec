#pragma once

#include <pollux/fd.hpp>

namespace pollux_test {

/// Waits until so many clients wait in the queues of the listeners of that TCP port, all together:
/// a client is connected a moment before it is in a queue. Fails the test after `longest_wait`.
void await_in_queue(int port, int clients);
/// The same of one listener at hand, which is quicker to ask.
void await_in_queue(const pollux::Fd& listener, int clients);

} // namespace pollux_test
