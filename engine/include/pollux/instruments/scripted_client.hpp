#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <pollux/instruments/choices.hpp>
#include <pollux/instruments/remote.hpp>
#include <pollux/instruments/script.hpp>
#include <pollux/instruments/simulation.hpp>
#include <pollux/net/address.hpp>
#include <string>

namespace pollux {

/// A client in a simulation that does what a script says. Each step is taken when it can be and
/// when it is this client's turn, which the simulation's choices decide. One that has nothing more
/// to do stays connected and silent. It must not outlive the simulation.
class ScriptedClient final : public Actor {
public:
    /// Will connect to `server` first. `name` is for messages: "alice".
    ScriptedClient(Simulation& simulation, Choices& choices, const Address& server, Script script,
                   std::string name = "client");
    ~ScriptedClient() override;

    /// All steps were taken, or a step failed.
    bool is_done() const noexcept { return is_over_; }
    /// What went wrong: `alice, step 2, expect "b": got "a"`; else empty.
    const std::string& failure() const noexcept { return failure_; }
    /// Throws `std::runtime_error` when a step failed, or some were not taken yet.
    void check() const;
    /// All bytes that it took.
    const std::string& received() const noexcept { return received_; }
    /// For what a script does not say.
    RemoteEnd& end() noexcept { return end_; }

    bool can_act() override;
    void act() override;
    std::optional<Clock::time_point> due() override;

private:
    enum class Leaving : std::uint8_t { not_yet, close, reset };

    const Script::Step& step() const { return script_.steps()[step_]; }
    bool is_broken() const;
    void connect();
    void take_step();
    void send();
    void expect();
    void read_to_end();
    void leave(Leaving how);
    void next();
    void begin_step();
    void give_up(const std::string& why);
    void fail(const std::string& why);

    Simulation& simulation_;
    Choices& choices_;
    Address server_;
    Script script_;
    std::string name_;
    RemoteEnd end_;
    std::string received_;
    std::string failure_;
    std::size_t step_ = 0;
    std::size_t done_of_step_ = 0; // bytes
    Clock::time_point due_{};
    bool has_connected_ = false;
    bool may_be_cut_ = false;
    bool is_over_ = false;
};

} // namespace pollux
