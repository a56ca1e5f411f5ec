// Handlers that are wrong in the way of tutorials: exploring finds that, and shows it by the least
// that is needed.

#include "serving.hpp"

using namespace pollux;
using namespace pollux_test;

namespace {

// "PING\n" is answered by "PONG\n". It takes what one read gave for one message.
void one_read_is_one_message(ConnectionHandlers& handlers) {
    handlers.on_data = [](Connection& connection, ByteView bytes) {
        connection.send(text_of(bytes) == "PING\n" ? "PONG\n" : "WHAT?\n");
        return bytes.size();
    };
}

Trial ping(const Mode& mode, const std::function<void(ConnectionHandlers&)>& handlers) {
    return in_simulation(small_scope(), [=](Simulation& simulation, Choices& choices) {
        NotingServer server{mode, {}, handlers};
        Clients clients{simulation, choices};
        for (int i = 0; i < 2; ++i)
            clients.add(Script{}
                            .send("PING\n")
                            .expect("PONG\n")
                            .send("PING\n")
                            .expect("PONG\n")
                            .end()
                            .expect_end());
        server.serve(clients);
    });
}

} // namespace

CONTRACT_CASE("a handler that takes a read for a message is found out by one cut",
              where_simulated) {
    const Trial trial = ping(mode, one_read_is_one_message);
    const Exploration found = explore({}, trial);
    REQUIRE(found.failure.has_value());
    CHECK(found.failure->what.find("expect \"PONG\\n\": got \"WHAT") != std::string::npos);
    CHECK_THROWS_WITH_AS(replay(found.failure->choices, trial), found.failure->what.c_str(),
                         TrialFailure);
    CHECK(found.departures == 0); // one is enough
    // Random runs find it as well, and are shrunk to the same.
    const Exploration random = explore({.exhaustive_runs = 0, .random_runs = 100}, trial);
    REQUIRE(random.failure.has_value());
    CHECK(random.failure->what.find("got \"WHAT") != std::string::npos);
}
