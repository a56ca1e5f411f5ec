#pragma once

#include <optional>
#include <pollux/instruments/fault_plan.hpp>

namespace pollux_test {

/// The plan of `--fault=PLAN` on the command line of a test program, or of POLLUX_FAULT. It is in
/// force in each case that runs, but for those whose name begins with "torture": these have plans
/// of their own, and ask here for the one to repeat.
const std::optional<pollux::FaultPlan>& given_fault();

/// From the command line; throws `std::invalid_argument`. Only for `main`.
void take_given_fault(int argc, char** argv);

} // namespace pollux_test
