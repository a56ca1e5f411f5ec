// What a Simulation says of itself: what is open, that nothing can happen any more, how fast it is.

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <pollux/instruments/simulation.hpp>
#include <pollux/signals.hpp>
#include <pollux/stream/server.hpp>
#include <string>
#include <system_error>

#include "support/contract.hpp"
#include "support/observing.hpp"

using namespace pollux;
using namespace pollux_test;
using namespace std::chrono_literals;

namespace {

SimulationOptions plain() { return {.vary = Variations::none()}; }

ConnectionHandlers echoing() {
    return {.on_data = [](Connection& connection, ByteView data) {
        connection.send(data);
        return data.size();
    }};
}

/// One client says something and gets it back; the server is asked to serve until then.
bool is_served(Choices& choices, Mode mode, const Address& at) {
    Simulation simulation{choices};
    EventLoop loop{mode.backend};
    Server server{loop, at, echoing(), {.connection = {.trigger = mode.trigger}}};
    RemoteEnd client = simulation.connect(server.address());
    std::string got;
    for (std::size_t sent = 0; got.size() < 5; got += client.receive()) {
        if (client.connected() && sent < 5)
            sent += client.send(std::string_view{"hello"}.substr(sent));
        loop.run_once(1s);
    }
    client.close();
    while (server.connections().size() > 0) loop.run_once(1s);
    return got == "hello";
}

} // namespace

CONTRACT_CASE("simulation: who waits when nothing can happen is told so", everywhere) {
    SeededChoices choices{1};
    Simulation simulation{choices, plain()};
    EventLoop loop{mode.backend};
    CHECK_EQ(error_of([&] { loop.run(); }), EDEADLK);
    CHECK(simulation.deadlocked());
    CHECK_NE(simulation.story(1).find("EDEADLK"), std::string::npos);
}

CONTRACT_CASE("simulation: on_idle is the last chance to do something", everywhere) {
    SeededChoices choices{1};
    Simulation* here = nullptr;
    SimulationOptions options = plain();
    options.on_idle = [&] { here->raise(SIGTERM); };
    Simulation simulation{choices, options};
    here = &simulation;
    EventLoop loop{mode.backend};
    int got = 0;
    const SignalWatch signals{loop, {SIGTERM}, [&](int signal) {
                                  got = signal;
                                  loop.stop();
                              }};
    loop.run();
    CHECK_EQ(got, SIGTERM);
    CHECK_FALSE(simulation.deadlocked());
}

CONTRACT_CASE("simulation: a program that goes round in circles ends", everywhere) {
    SeededChoices choices{1};
    SimulationOptions options = plain();
    options.most_calls = 1000;
    Simulation simulation{choices, options};
    EventLoop loop{mode.backend};
    const Timer timer = loop.run_every(1ms, [] {});
    CHECK_EQ(error_of([&] { loop.run(); }), ETIME);
    CHECK(simulation.endless());
}

CONTRACT_CASE("simulation: hours pass in no time, and nothing is left open", everywhere) {
    SeededChoices choices{1};
    Simulation simulation{choices, plain()};
    {
        EventLoop loop{mode.backend};
        const auto start = simulation.now();
        const Timer timer = loop.run_after(100h, [&] { loop.stop(); });
        loop.run();
        CHECK_EQ(simulation.now() - start, 100h);
        CHECK_FALSE(simulation.open_descriptors().empty());
    }
    CHECK(simulation.open_descriptors().empty());
}

CONTRACT_CASE("simulation: without a descriptor left a client is told, and the next is served",
              everywhere) {
    SeededChoices choices{1};
    SimulationOptions options = plain();
    options.descriptors = mode.is(Backend::epoll) ? 5 : 4; // room for one client
    Simulation simulation{choices, options};
    EventLoop loop{mode.backend};
    Server server{
        loop, Address::parse("127.0.0.1:0"), echoing(), {.connection = {.trigger = mode.trigger}}};
    RemoteEnd first = simulation.connect(server.address());
    while (server.connections().size() == 0) loop.run_once(0s);
    RemoteEnd second = simulation.connect(server.address());
    while (!second.ended() && !second.was_reset()) loop.run_once(1s);
    first.close();
    second.close();
    while (server.connections().size() > 0) loop.run_once(1s);
    RemoteEnd third = simulation.connect(server.address());
    third.send("hello");
    while (third.arrived() < 5) loop.run_once(1s);
    CHECK_EQ(third.receive(), "hello");
}

CONTRACT_CASE("simulation: TCP, IPv6 and Unix clients are served, whatever varies", everywhere) {
    for (const char* at : {"127.0.0.1:7", "[::1]:7", "unix:/run/echo", "unix:@echo"})
        for (std::uint64_t seed = 1; seed <= 50; ++seed) {
            CAPTURE(at);
            CAPTURE(seed);
            SeededChoices choices{seed};
            REQUIRE(is_served(choices, mode, Address::parse(at)));
        }
}

TEST_CASE("simulation: thousands of interleavings in a second") {
    const auto start = std::chrono::steady_clock::now();
    std::uint64_t runs = 0;
    for (; runs < 2000; ++runs) {
        SeededChoices choices{runs};
        REQUIRE(is_served(choices, modes[runs % modes.size()], Address::parse("127.0.0.1:7")));
    }
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    MESSAGE(static_cast<std::uint64_t>(static_cast<double>(runs) / took.count())
            << " runs of a server and a client in a second");
}
