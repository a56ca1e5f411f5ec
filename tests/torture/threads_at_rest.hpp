#pragma once

namespace pollux_test {

/// Returns when each other thread of this process sleeps: it has done what it was woken for. Not
/// for threads that have work without end.
void wait_until_others_sleep();

} // namespace pollux_test
