#include "streams.hpp"

#include <doctest/doctest.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <random>
#include <sys/socket.h>

namespace pollux_test {

using namespace pollux;

ConnectionHandlers note(Seen& seen) {
    return {.on_open = [&](Connection&) { ++seen.opened; },
            .on_data =
                [&](Connection&, ByteView data) {
                    seen.data += text_of(data);
                    return data.size();
                },
            .on_drain = [&](Connection&) { ++seen.drained; },
            .on_close = [&](Connection&, const Closed& closed) { seen.closed.push_back(closed); }};
}

ConnectionHandlers note_and_echo(Seen& seen) {
    ConnectionHandlers handlers = note(seen);
    handlers.on_data = [&](Connection& connection, ByteView data) {
        seen.data += text_of(data);
        connection.send(data);
        return data.size();
    };
    return handlers;
}

bool closed_once(const Seen& seen, CloseReason reason, int error) {
    if (seen.closed.size() != 1) return false;
    INFO("closed: ", to_string(seen.closed[0].reason), ", error ", seen.closed[0].error);
    CHECK(seen.closed[0].reason == reason);
    CHECK_EQ(seen.closed[0].error, error);
    return true;
}

namespace {
Adopted adopt(ConnectionSet& set, Ends ends) {
    const ConnectionId id = set.adopt(Socket::adopt(std::move(ends.ours)));
    return {id, std::move(ends.theirs)};
}
} // namespace

Adopted adopt_unix(ConnectionSet& set) { return adopt(set, unix_pair()); }
Adopted adopt_tcp(ConnectionSet& set) { return adopt(set, tcp_pair()); }

void run_until(EventLoop& loop, const std::function<bool()>& done) {
    const auto give_up = std::chrono::steady_clock::now() + longest_wait;
    while (!done()) {
        REQUIRE_MESSAGE(std::chrono::steady_clock::now() < give_up, "what was awaited never came");
        loop.run_once(std::chrono::milliseconds{10});
    }
}

void settle(EventLoop& loop) {
    for (int turns = 0; loop.run_once(Timeout::zero()) > 0; ++turns)
        REQUIRE_MESSAGE(turns < 1000, "the loop spins");
}

std::string drain(const Fd& from) {
    std::string text;
    static std::array<char, 65536> block;
    for (;;) {
        const ssize_t count = ::recv(from.get(), block.data(), block.size(), MSG_DONTWAIT);
        if (count <= 0) return text;
        text.append(block.data(), static_cast<std::size_t>(count));
    }
}

bool at_end(const Fd& from) {
    char byte = 0;
    return ::recv(from.get(), &byte, 1, MSG_DONTWAIT | MSG_PEEK) == 0;
}

bool fails_with(const Fd& from, int error) {
    char byte = 0;
    return ::recv(from.get(), &byte, 1, MSG_DONTWAIT) < 0 && errno == error;
}

std::string pattern(std::size_t size, unsigned seed) {
    std::mt19937 random{seed};
    std::string text(size, '\0');
    for (char& byte : text) byte = static_cast<char>(random());
    return text;
}

} // namespace pollux_test
