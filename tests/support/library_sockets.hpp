#pragma once

// What the tests of `pollux::Socket` share.

#include <filesystem>
#include <pollux/bytes.hpp>
#include <pollux/instruments/call_hook.hpp>
#include <pollux/net/socket.hpp>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace pollux_test {

/// Waits until poll(2) reports one of `events`; fails the test after `longest_wait`.
void await(const pollux::Socket& socket, short events);

/// Accepted and connected, over TCP.
std::pair<pollux::Socket, pollux::Socket> tcp_sockets();
/// Two UDP sockets of 127.0.0.1, not connected.
std::pair<pollux::Socket, pollux::Socket> udp_sockets();

/// Sends a datagram over UDP, and returns when it is in the receiver's queue or was dropped because
/// that is full. Nobody reads meanwhile.
void send_and_await(pollux::Socket& from, const pollux::Socket& to, std::string_view text);

/// What one read gives; fails the test unless it is `ok`.
std::string read_text(pollux::Socket& from, std::size_t most = 65536);
pollux::IoResult read_once(pollux::Socket& from, std::size_t most = 16);
bool is(const pollux::IoResult& result, pollux::IoState state, std::size_t bytes = 0,
        int error = 0);
/// Closes with a reset instead of an orderly end.
void reset(pollux::Socket& socket);

/// The next datagram and what was said of it, when it is there.
struct Taken {
    std::string text;
    pollux::ReceivedFrom result;
};
Taken take_datagram(pollux::Socket& from, std::size_t most = 65536, int flags = 0);

/// For `CallHook`.
pollux::CallOutcome error_outcome(int error);
pollux::CallOutcome at_most(std::size_t bytes);

/// The text of the `std::system_error` that `act` throws.
template <class Act> std::string failure(Act act) {
    try {
        act();
        return "no failure";
    } catch (const std::system_error& error) {
        return error.what();
    }
}

/// A directory that goes with all that is in it.
class Directory {
public:
    Directory();
    ~Directory() { std::filesystem::remove_all(path_); }
    Directory(const Directory&) = delete;
    Directory& operator=(const Directory&) = delete;

    std::string operator/(std::string_view name) const;

private:
    std::string path_;
};

} // namespace pollux_test
