// Torture of a relay: two clients talk to each other through it.

#include "support/sockets.hpp"
#include "support/streams.hpp"
#include "torture/plain_client.hpp"
#include "torture/torture.hpp"

#include <cstring>
#include <optional>
#include <pollux/stream/relay.hpp>
#include <string>

using namespace pollux;
using namespace pollux_test;

namespace {

struct Relaying {
    explicit Relaying(Trial& in) : trial{in} {}

    bool set_up() {
        return trial.act([this] { loop.emplace(trial.mode.backend); });
    }

    // Whether both got what the other sent, and were told the end. The ends are the relay's,
    // however its making ends.
    bool talk() {
        static const std::string question = pattern(9000, 1);
        static const std::string answer = pattern(7000, 2);
        Ends one = unix_pair();
        Ends other = unix_pair();
        std::optional<Relay> relay;
        bool is_over = false;
        const bool begun = trial.act([&] {
            relay.emplace(
                *loop, Socket::adopt(std::move(one.ours)), Socket::adopt(std::move(other.ours)),
                RelayOptions{.trigger = trial.mode.trigger}, [&](const RelayResult& result) {
                    is_over = true;
                    if (result.end == RelayEnd::error)
                        trial.report(::strerrorname_np(result.error));
                });
        });
        if (!begun) return false;
        PlainClient asks{std::move(one.theirs), question, answer, question.size()};
        PlainClient answers{std::move(other.theirs), answer, question, answer.size()};
        trial.until(*loop, [&] {
            asks.step();
            answers.step();
            return asks.over() && answers.over() && is_over;
        });
        trial.act([&] { relay.reset(); });
        return asks.served() && answers.served();
    }

    Trial& trial;
    std::optional<EventLoop> loop;
};

void relay_relays(Trial& trial) {
    Relaying relaying{trial};
    const bool right = relaying.set_up() && relaying.talk();
    trial.rest();
    trial.expect(relaying.loop || relaying.set_up(), "it can be set up again");
    trial.expect(relaying.talk(), "the next two are joined");
    trial.go_on();
    trial.act([&] { relaying.loop.reset(); });
    trial.right(right);
}

} // namespace

CONTRACT_CASE("torture X1 X2 X3 X4 relay", everywhere) { torture(mode, "relay", relay_relays); }
CONTRACT_CASE("torture X1 X4 relay while there is nothing to be had", everywhere) {
    torture_lasting(mode, "relay, lasting", relay_relays);
}
CONTRACT_CASE("torture X5 relay under many faults", everywhere) {
    torture_at_random(mode, "relay, many faults", relay_relays, 200);
}
