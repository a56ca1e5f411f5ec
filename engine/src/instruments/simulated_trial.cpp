#include <pollux/instruments/simulated_trial.hpp>

#include <exception>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace pollux {
namespace {

std::string left_open(const Simulation& simulation) {
    std::string text;
    for (const std::string& descriptor : simulation.open_descriptors())
        text += (text.empty() ? "left open: " : ", ") + descriptor;
    return text;
}

// What one of the others threw is why the program failed.
void run(const SimulatedTrial& trial, Simulation& simulation, Choices& choices) {
    try {
        trial(simulation, choices);
    } catch (...) {
        simulation.rethrow();
        throw;
    }
    simulation.rethrow();
}

} // namespace

Trial in_simulation(SimulationOptions options, SimulatedTrial trial) {
    return [options = std::move(options), trial = std::move(trial)](Choices& choices) {
        Simulation simulation{choices, options};
        std::string failure;
        try {
            run(trial, simulation, choices);
            failure = left_open(simulation);
        } catch (const std::exception& error) {
            failure = error.what();
        }
        if (!failure.empty()) throw TrialFailure{failure, simulation.story()};
    };
}

// Who makes it done may act while the loop waits, and leave the loop nothing to wake up for.
void run_until(EventLoop& loop, const std::function<bool()>& done) {
    while (!done()) {
        try {
            loop.run_once();
        } catch (const std::system_error& error) {
            if (error.code() != std::errc::resource_deadlock_would_occur || !done()) throw;
        }
    }
}

} // namespace pollux
