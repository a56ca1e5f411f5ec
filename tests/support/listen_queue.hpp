#pragma once

namespace pollux_test {

/// Waits until so many clients wait in the queues of the listeners of that TCP port, all together:
/// a client is connected a moment before it is in a queue. Fails the test after ten seconds.
void await_in_queue(int port, int clients);

} // namespace pollux_test
