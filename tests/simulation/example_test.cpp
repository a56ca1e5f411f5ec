#include <doctest/doctest.h>

#include <pollux/instruments/scripted_client.hpp>
#include <pollux/instruments/simulated_trial.hpp>
#include <pollux/stream/framing.hpp>
#include <pollux/stream/server.hpp>

using namespace pollux;

namespace {

// What is tested: each line "ping" is answered by a line "pong".
ConnectionHandlers ping_pong() {
    return {.on_data = [](Connection& connection, ByteView bytes) {
        const auto answer = [&](ByteView line) {
            connection.send(text_of(line) == "ping" ? "pong\n" : "what?\n");
            return true;
        };
        return take_messages(LineFraming{100}, bytes, answer).taken;
    }};
}

// One run: a server, two clients, and what must be so at the end.
void two_clients(Simulation& simulation, Choices& choices) {
    EventLoop loop;
    const Address address = Address::ipv4_loopback(7777);
    const Server server{loop, address, ping_pong()};
    const Script script = Script{}.send("ping\n").expect("pong\n").end().expect_end();
    ScriptedClient ada{simulation, choices, address, script, "ada"};
    ScriptedClient bob{simulation, choices, address, script, "bob"};
    run_until(loop, [&] { return ada.is_done() && bob.is_done(); });
    ada.check();
    bob.check();
}

} // namespace

TEST_CASE("each ping has its pong, in whatever pieces and order") {
    const Exploration found = explore({.exhaustive_runs = 2000}, in_simulation({}, two_clients));
    CHECK_MESSAGE(!found.failure, found.report());
}
