#pragma once

#include <functional>
#include <pollux/event_loop.hpp>
#include <pollux/instruments/choices.hpp>
#include <pollux/instruments/explore.hpp>
#include <pollux/instruments/simulation.hpp>

namespace pollux {

/// What is tried in a simulation: it makes loop, server and clients, runs them to the end, and
/// throws where something is wrong.
using SimulatedTrial = std::function<void(Simulation&, Choices&)>;

/// A trial for `explore` and `replay` that makes a fresh simulation for each run. What the trial
/// throws, and a descriptor that it left open, becomes a `TrialFailure` with the simulation's
/// story: the calls that were made, and what the others did.
Trial in_simulation(SimulationOptions options, SimulatedTrial trial);

/// Takes turns of the loop until `done` says so. When nothing can happen any more before that, what
/// the loop throws leaves it (EDEADLK, see `Simulation::deadlocked`).
void run_until(EventLoop& loop, const std::function<bool()>& done);

} // namespace pollux
