// The program connects to others.

#include "serving.hpp"

#include <cerrno>
#include <pollux/stream/connection_set.hpp>
#include <pollux/stream/connector.hpp>
#include <vector>

using namespace pollux;
using namespace pollux_test;
using namespace std::chrono_literals;

namespace {

// Whoever is to be connected to. By choice it is there or not, accepts soon, late or never, and
// goes away.
class OtherServer final : public Actor {
public:
    OtherServer(Simulation& simulation, Choices& choices, const Address& address)
        : simulation_{simulation} {
        if (choices.choose("is anybody there", 2) == 0) listener_ = simulation.listen(address, 1);
        accepts_ = choices.choose("accepts", 2) == 0;
        goes_ = choices.choose("goes away", 2) == 1;
        simulation.add(*this);
    }
    ~OtherServer() override { simulation_.remove(*this); }

    bool is_there() const { return listener_.has_value(); }
    bool goes() const { return goes_; }

    bool can_act() override { return step_ < 2 && is_there(); }
    void act() override {
        if (step_++ == 0) {
            if (accepts_) {
                if (auto end = listener_->accept()) end->send("hello");
            }
        } else if (goes_) {
            listener_->close();
        }
    }

private:
    Simulation& simulation_;
    std::optional<RemoteListener> listener_;
    bool accepts_ = false;
    bool goes_ = false;
    int step_ = 0;
};

// Takes all from the first who connects, and closes when that one ends.
class Reader final : public Actor {
public:
    Reader(Simulation& simulation, const Address& address)
        : simulation_{simulation}, listener_{simulation.listen(address)} {
        simulation.add(*this);
    }
    ~Reader() override { simulation_.remove(*this); }

    const std::string& got() const { return got_; }

    bool can_act() override {
        return listener_.waiting() > 0 || end_.arrived() > 0 || (end_.ended() && !end_.closed());
    }
    void act() override {
        if (const auto end = listener_.accept()) end_ = *end;
        got_ += end_.receive();
        if (end_.ended()) end_.close();
    }

private:
    Simulation& simulation_;
    RemoteListener listener_;
    RemoteEnd end_;
    std::string got_;
};

} // namespace

CONTRACT_CASE("C10 C12 a connector completes exactly once, in time, with a socket or a reason",
              where_simulated) {
    const auto trial = [&](Simulation& simulation, Choices& choices) {
        const Address address = Address::parse("192.0.2.1:80");
        const OtherServer other{simulation, choices, address};
        EventLoop loop{mode.backend};
        const Clock::time_point start = simulation.now();
        std::vector<std::error_code> outcomes;
        const Connector connector{loop, address, 5s, [&](Socket socket, std::error_code error) {
                                      outcomes.push_back(error);
                                      expect(static_cast<bool>(socket) == !error,
                                             "a socket or a reason");
                                  }};
        const Timer later = loop.run_after(20s, [] {});
        pollux::run_until(loop, [&] { return simulation.now() - start >= 20s; });
        expect(outcomes.size() == 1, "exactly one completion");
        const int error = outcomes.front().value();
        expect(error == 0 || error == ECONNREFUSED || error == ECONNRESET || error == ETIMEDOUT,
               "one of the errors that there are");
        if (!other.is_there()) expect(error == ECONNREFUSED, "nobody is there");
        if (other.is_there() && !other.goes()) expect(error == 0, "somebody is there");
    };
    check_all(mode, thorough(300, 200), in_simulation(small_scope(), trial));
}

CONTRACT_CASE("C15 what is sent before a connection is made leaves in order", where_simulated) {
    const auto trial = [&](Simulation& simulation, Choices&) {
        const Address address = Address::parse("192.0.2.1:80");
        const Reader reader{simulation, address};
        EventLoop loop{mode.backend};
        Seen seen;
        ConnectionSet set{loop, note(seen), {.trigger = mode.trigger}};
        Connection& connection = *set.find(set.connect(address));
        connection.send("one ");
        connection.send("two ");
        connection.end();
        pollux::run_until(loop, [&] { return set.size() == 0; });
        expect(reader.got() == "one two ", "in order and whole");
        expect(seen.closed.size() == 1, "closed once");
    };
    check_all(mode, thorough(100, 100), in_simulation(small_scope(), trial));
}
