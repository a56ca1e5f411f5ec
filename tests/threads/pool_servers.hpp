#pragma once

// What the tests of ServerPool share.

#include "support/gate.hpp"
#include "support/sockets.hpp"

#include <doctest/doctest.h>

#include <array>
#include <chrono>
#include <future>
#include <memory>
#include <poll.h>
#include <pollux/stream/server_pool.hpp>
#include <string>
#include <thread>
#include <utility>

namespace pollux_test {

inline constexpr std::array spreads{pollux::Spread::reuse_port, pollux::Spread::round_robin,
                                    pollux::Spread::least_connections, pollux::Spread::exclusive};

inline const auto loopback = pollux::Address::ipv4_loopback(0);

/// Handlers that say where they are as soon as a client comes.
inline pollux::ConnectionHandlers greet(std::size_t place, pollux::EventLoop& /*loop*/) {
    return {.on_open = [place](pollux::Connection& connection) {
        connection.send(std::to_string(place));
    }};
}

inline pollux::Fd client_of(const pollux::ServerPool& server) {
    return tcp_client(server.address().port());
}

/// What the server says next; empty at the end of the stream.
inline std::string answer(const pollux::Fd& client) {
    await(client, POLLIN);
    return take(client);
}

/// Waits until the loop has so many connections; fails the test after `longest_wait`.
inline void await_load(const pollux::ServerPool& server, std::size_t place, std::size_t load) {
    const auto end = std::chrono::steady_clock::now() + longest_wait;
    while (server.load(place) != load && std::chrono::steady_clock::now() < end)
        std::this_thread::yield();
    REQUIRE_EQ(server.load(place), load);
}

/// Keeps a loop from doing anything else while it lives.
class Held {
public:
    explicit Held(pollux::EventLoop& loop) {
        std::promise<void> begun;
        auto held = begun.get_future();
        loop.post([gate = gate_, told = std::move(begun)]() mutable {
            told.set_value();
            gate->wait();
        });
        held.wait();
    }
    ~Held() { gate_->open(); }
    Held(const Held&) = delete;
    Held& operator=(const Held&) = delete;

private:
    std::shared_ptr<Gate> gate_ = std::make_shared<Gate>();
};

} // namespace pollux_test
