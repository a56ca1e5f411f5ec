// An echo server, with nothing of it changed, on the simulated kernel.

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <pollux/instruments/simulation.hpp>
#include <pollux/stream/server.hpp>
#include <string>
#include <system_error>

#include "support/contract.hpp"

using namespace pollux;
using namespace pollux_test;
using namespace std::chrono_literals;

namespace {

Address here() { return Address::parse("127.0.0.1:0"); }

ConnectionHandlers echoing() {
    return {.on_data = [](Connection& connection, ByteView data) {
        connection.send(data);
        return data.size();
    }};
}

/// Says something in pieces, and its end; then waits until all of it has come back.
class Talker final : public Actor {
public:
    Talker(Simulation& simulation, const Address& to, std::string text)
        : end_{simulation.connect(to)}, text_{std::move(text)} {
        simulation.add(*this);
    }
    bool can_act() override {
        return end_.arrived() > 0 || (end_.connected() && sent_ < text_.size()) ||
               (end_.ended() && !end_.closed());
    }
    void act() override {
        got_ += end_.receive();
        if (sent_ < text_.size()) {
            sent_ += end_.send(text_.substr(sent_, 7));
            if (sent_ == text_.size()) end_.shut();
        }
        if (end_.ended()) end_.close();
    }
    bool is_content() const { return got_ == text_ && end_.closed(); }

private:
    RemoteEnd end_;
    std::string text_;
    std::size_t sent_ = 0;
    std::string got_;
};

struct Outcome {
    bool all_content = false;
    std::string story;
    std::uint64_t calls = 0;
};

Outcome run_echo(Choices& choices, Mode mode, int clients) {
    Simulation simulation{choices};
    EventLoop loop{mode.backend};
    Server server{loop, here(), echoing(), {.connection = {.trigger = mode.trigger}}};
    std::vector<std::unique_ptr<Talker>> talkers;
    for (int n = 0; n < clients; ++n)
        talkers.push_back(std::make_unique<Talker>(simulation, server.address(),
                                                   "what client " + std::to_string(n) + " says"));
    const auto all_content = [&] {
        return std::ranges::all_of(talkers, [](const auto& t) { return t->is_content(); });
    };
    while (!all_content() || server.connections().size() > 0) loop.run_once(1h);
    return {all_content(), simulation.story(100'000), simulation.calls()};
}

} // namespace

CONTRACT_CASE("simulation: an echo server serves two clients, whatever varies", where_simulated) {
    for (std::uint64_t seed = 1; seed <= 200; ++seed) {
        CAPTURE(seed);
        SeededChoices choices{seed};
        const Outcome outcome = run_echo(choices, mode, 2);
        REQUIRE(outcome.all_content);
    }
}

CONTRACT_CASE("simulation: the same seed tells the same story", where_simulated) {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        SeededChoices first{seed};
        SeededChoices second{seed};
        CHECK_EQ(run_echo(first, mode, 3).story, run_echo(second, mode, 3).story);
    }
}
