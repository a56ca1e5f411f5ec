#pragma once

// What the cases on the simulated kernel share: a trial is explored in a mode, and a failure is
// shown as the shortest story that was found.
//
// POLLUX_RUNS says how many random runs each case makes (see `thorough`), POLLUX_SEED with which
// seed they begin.

#include "support/contract.hpp"

#include <pollux/instruments/explore.hpp>
#include <pollux/instruments/scripted_client.hpp>
#include <pollux/instruments/simulated_trial.hpp>
#include <pollux/instruments/simulation.hpp>
#include <string_view>

namespace pollux_test {

/// Fails a trial.
void expect(bool holds, std::string_view what);

/// Explores, and fails the test with all that is to know when a run fails. Counts the runs for the
/// table that is printed at the end of the program.
pollux::Exploration check_all(const Mode& mode, const pollux::ExploreOptions& options,
                              const pollux::Trial& trial);

/// So many runs near the plain one, and so many random ones, or as many as POLLUX_RUNS says.
pollux::ExploreOptions thorough(std::size_t exhaustive_runs, std::size_t random_runs);

/// For a simulation whose program is expected to make few calls.
pollux::SimulationOptions small_scope(const pollux::Variations& vary = {});

} // namespace pollux_test
