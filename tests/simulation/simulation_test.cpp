// What a Simulation says of itself: what is open, that nothing can happen any more, how fast it is.

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <pollux/instruments/call_hook.hpp>
#include <pollux/instruments/simulated_trial.hpp>
#include <pollux/instruments/simulation.hpp>
#include <pollux/net/socket.hpp>
#include <pollux/signals.hpp>
#include <pollux/stream/server.hpp>
#include <stdexcept>
#include <string>
#include <system_error>

#include "support/contract.hpp"
#include "support/observing.hpp"

using namespace pollux;
using namespace pollux_test;
using namespace std::chrono_literals;

namespace {

// Whatever may arrive late does.
class LateArrival final : public Choices {
    std::size_t choose(std::string_view what, std::size_t) override {
        return what == "it arrives later" ? 1 : 0;
    }
};

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

CONTRACT_CASE("simulation: who waits when nothing can happen is told so", where_simulated) {
    SeededChoices choices{1};
    const Simulation simulation{choices, plain()};
    EventLoop loop{mode.backend};
    CHECK_EQ(error_of([&] { loop.run(); }), EDEADLK);
    CHECK(simulation.deadlocked());
    CHECK_NE(simulation.story(1).find("EDEADLK"), std::string::npos);
}

CONTRACT_CASE("simulation: on_idle is the last chance to do something", where_simulated) {
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

CONTRACT_CASE("simulation: a program that goes round in circles ends", where_simulated) {
    SeededChoices choices{1};
    SimulationOptions options = plain();
    options.most_calls = 1000;
    const Simulation simulation{choices, options};
    EventLoop loop{mode.backend};
    const Timer timer = loop.run_every(1ms, [] {});
    CHECK_EQ(error_of([&] { loop.run(); }), ETIME);
    CHECK(simulation.endless());
}

CONTRACT_CASE("simulation: hours pass in no time, and nothing is left open", where_simulated) {
    SeededChoices choices{1};
    const Simulation simulation{choices, plain()};
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
              where_simulated) {
    SeededChoices choices{1};
    SimulationOptions options = plain();
    options.descriptors = on_epoll(mode) ? 5 : 4; // room for one client
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

CONTRACT_CASE("simulation: TCP, IPv6 and Unix clients are served, whatever varies",
              where_simulated) {
    for (const char* at : {"127.0.0.1:7", "[::1]:7", "unix:/run/echo", "unix:@echo"})
        for (std::uint64_t seed = 1; seed <= 50; ++seed) {
            CAPTURE(at);
            CAPTURE(seed);
            SeededChoices choices{seed};
            REQUIRE(is_served(choices, mode, Address::parse(at)));
        }
}

TEST_CASE("simulation: a reset gets past a buffer that nobody empties") {
    LateArrival choices;
    SimulationOptions options;
    options.vary = Variations::none();
    options.vary.late_arrival = true;
    options.send_buffer = options.receive_buffer = 1000;
    Simulation simulation{choices, options};
    Socket listening = Socket::listen(Address::ipv4_loopback(7));
    RemoteEnd client = simulation.connect(Address::ipv4_loopback(7));
    simulation.deliver();
    Accepted accepted = listening.accept();
    client.send(std::string(1000, 'a'));
    simulation.deliver();
    client.send(std::string(1000, 'b'));
    client.reset();
    simulation.deliver(); // and does not go on for ever
    std::array<std::byte, 3000> bytes{};
    CHECK_EQ(accepted.socket.read(bytes).bytes, 1000);
    CHECK_EQ(accepted.socket.read(bytes).error, ECONNRESET);
}

namespace {

class Grumbler final : public Actor {
public:
    bool can_act() override { return true; }
    void act() override { throw std::runtime_error{"not in this mood"}; }
};

} // namespace

CONTRACT_CASE("simulation: what an actor or on_idle throws fails the trial", where_simulated) {
    const auto what_of = [&](const SimulationOptions& options, bool has_actor) -> std::string {
        SeededChoices choices{1};
        const Trial trial = in_simulation(options, [&](Simulation& simulation, Choices&) {
            EventLoop loop{mode.backend};
            Grumbler grumbler;
            if (has_actor) simulation.add(grumbler);
            loop.run();
        });
        try {
            trial(choices);
        } catch (const TrialFailure& failure) {
            return failure.what();
        }
        return "nothing";
    };
    CHECK_EQ(what_of(plain(), true), "not in this mood");
    CHECK_EQ(what_of({}, true), "not in this mood");
    SimulationOptions options = plain();
    options.on_idle = [] { throw std::runtime_error{"idle hands"}; };
    CHECK_EQ(what_of(options, false), "idle hands");
}

TEST_CASE("simulation: a fault that delays a call takes simulated time") {
    SeededChoices choices{1};
    const Simulation simulation{choices, plain()};
    const auto start = simulation.now();
    const CallHook slow{[](const CallPoint& call) {
        CallOutcome outcome;
        if (call.name == "socket") outcome.delay = 100h;
        return outcome;
    }};
    const Socket socket = Socket::datagram(Address::ipv4_loopback(0));
    CHECK_EQ(simulation.now() - start, 100h);
}

TEST_CASE("simulation: there is no io_uring") {
    SeededChoices choices{1};
    const Simulation simulation{choices};
    CHECK_EQ(error_of([] { make_reactor(Backend::io_uring); }), ENOSYS);
}

TEST_CASE("simulation: thousands of interleavings in a second") {
    const auto start = std::chrono::steady_clock::now();
    std::uint64_t runs = 0;
    for (; runs < 2000; ++runs) {
        SeededChoices choices{runs};
        const Mode& mode = modes[runs % modes.size()];
        if (where_simulated(mode)) REQUIRE(is_served(choices, mode, Address::parse("127.0.0.1:7")));
    }
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    MESSAGE(static_cast<std::uint64_t>(static_cast<double>(runs) / took.count())
            << " runs of a server and a client in a second");
}
