#pragma once

// The world outside the library, on bare system calls: what the tests set up and play against.

#include <chrono>
#include <pollux/fd.hpp>
#include <string>
#include <string_view>

namespace pollux_test {

/// Until something that should happen is held to be lost, on a machine with much else to do.
inline constexpr std::chrono::seconds longest_wait{30};

/// Two connected ends, non-blocking and close-on-exec.
struct Ends {
    pollux::Fd ours;
    pollux::Fd theirs;
};
Ends unix_pair();
Ends tcp_pair();  ///< Over 127.0.0.1.
Ends pipe_ends(); ///< `ours` reads, `theirs` writes.

/// A TCP listener on a free port of 127.0.0.1, and a blocking client connected to it.
pollux::Fd tcp_listener(int backlog = 16);
int port_of(const pollux::Fd& socket);
pollux::Fd tcp_client(int port);

/// Two UDP sockets of 127.0.0.1, connected to each other, non-blocking and close-on-exec.
Ends udp_pair();
/// A counter that is readable while it is not zero (eventfd(2)), non-blocking and close-on-exec.
pollux::Fd counter(unsigned initial = 0);

/// Writes all of it, or fails the test.
void put(const pollux::Fd& to, std::string_view text);
/// What one read gives, at most `most` bytes; empty at the end of the stream or when nothing waits.
std::string take(const pollux::Fd& from, std::size_t most = 65536);
/// Fills the kernel's buffers until a write would block; returns how much went in.
std::size_t fill(const pollux::Fd& to);
/// Closes with a reset instead of an orderly end (SO_LINGER with zero seconds).
void reset(pollux::Fd& socket);

/// Waits until poll(2) reports one of `events` for the descriptor: the tests' way to know that
/// something has arrived. Fails the test after `longest_wait`.
void await(const pollux::Fd& fd, short events);
/// The same, and everybody has been told: poll(2) sees a state of TCP or UDP a moment before
/// epoll(7) hears of it, when another processor delivers.
void await_told(const pollux::Fd& fd, short events);
/// What poll(2) says now.
short state(const pollux::Fd& fd, short events);

} // namespace pollux_test
