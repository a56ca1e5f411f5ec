#pragma once

// Torture: a scenario is run again and again, and each time one more thing fails: every system call
// with every error that it can give, cut short, interrupted, and every allocation.

#include "support/contract.hpp"
#include "torture/trial.hpp"

#include <string>
#include <string_view>

namespace pollux_test {

/// Sets something up, has it do its job, lets it serve once more, and takes it down, all by the
/// means of its trial. It must do the same each time.
using Scenario = void (*)(Trial& trial);

/// What can be said of a scenario.
struct TortureOptions {
    /// The library's clock stands still but for waits that find nothing (`FakeClock`). Not for
    /// scenarios that have something done by other threads or processes: their waits sleep.
    bool fake_clock = true;
    /// "read=EIO": a fault that cannot happen here.
    std::string_view impossible{};
    /// How many turns in which something was ready a run may take more than one without a fault,
    /// which takes some itself.
    int more_turns = 60;
    /// Threads take the calls in an order of their own, and the k-th is another one each time. Then
    /// it is no end when a run does not reach a fault, as long as one without faults has made so
    /// many calls.
    bool threads = false;
    /// Not null in tests of torture itself: what it finds is added here, each in a line, fails no
    /// test case, and is in no table.
    std::string* found = nullptr;
};

/// Runs the scenario in that mode without a fault, and then with each fault, one at a time. After
/// each run: descriptors and memory are what they were before, nobody was woken more often than the
/// budget allows, and the job was done, or exactly one error was reported. What fails is printed
/// with the plan that repeats it; the running test case fails. With `--fault=PLAN` that plan alone
/// is tried. The name of the test case begins with "torture": other cases have that plan in force
/// from their beginning to their end.
void torture(const Mode& mode, std::string_view name, Scenario scenario,
             const TortureOptions& options = {});

/// The same with shortages that last: from each call on, it and the next 119 find no descriptors,
/// buffers or memory. Who tries again at once, and not after a while, spins, and fails.
void torture_lasting(const Mode& mode, std::string_view name, Scenario scenario,
                     const TortureOptions& options = {});

/// The same with many faults at once, the same ones each time that it is called: they are drawn by
/// the seed POLLUX_TORTURE_SEED, else 42. As many errors may be reported as there were faults. As
/// often as `runs` says, or the environment: POLLUX_TORTURE_RUNS, or for a time,
/// POLLUX_TORTURE_HOURS.
void torture_at_random(const Mode& mode, std::string_view name, Scenario scenario, int runs,
                       const TortureOptions& options = {});

} // namespace pollux_test
