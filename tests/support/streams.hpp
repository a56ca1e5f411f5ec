#pragma once

// What the tests of listeners, connectors and connections share.

#include "sockets.hpp"

#include <functional>
#include <pollux/event_loop.hpp>
#include <pollux/stream/connection_set.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace pollux_test {

/// What was called for the connections of a set, all together.
struct Seen {
    int opened = 0;
    std::string data;
    int drained = 0;
    std::vector<pollux::Closed> closed;
};
/// Handlers that note what they are called with, and take all data.
pollux::ConnectionHandlers note(Seen& seen);
/// The same, and data is sent back.
pollux::ConnectionHandlers note_and_echo(Seen& seen);

/// True when exactly one connection was closed, for that reason.
bool closed_once(const Seen& seen, pollux::CloseReason reason, int error = 0);

/// A connected pair of which the set has one end.
struct Adopted {
    pollux::ConnectionId id{};
    pollux::Fd theirs;
};
Adopted adopt_unix(pollux::ConnectionSet& set);
Adopted adopt_tcp(pollux::ConnectionSet& set);

/// Takes turns until `done` says so; fails the test when that takes longer than `longest_wait`.
void run_until(pollux::EventLoop& loop, const std::function<bool()>& done);
/// Takes turns that do not wait until one calls nobody; fails the test when there is no such turn:
/// something spins. What Unix sockets were sent before is delivered then.
void settle(pollux::EventLoop& loop);

/// All that waits at a descriptor now; never blocks.
std::string drain(const pollux::Fd& from);
/// Whether the stream has ended: nothing waits and nothing will come.
bool at_end(const pollux::Fd& from);
/// Whether reading it gives that error (and consumes it).
bool fails_with(const pollux::Fd& from, int error);

/// Bytes in which no stretch looks like another.
std::string pattern(std::size_t size, unsigned seed = 1);

} // namespace pollux_test
