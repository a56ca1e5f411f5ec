// Fault plans: what is read is written in one line and read back the same; what is refused is
// refused with the place and the reason.

#include "fuzzing.hpp"

#include <pollux/instruments/fault_plan.hpp>
#include <stdexcept>

namespace {

using pollux::FaultPlan;
using pollux_test::must;

void check_strace(const FaultPlan& plan) {
    try {
        const std::string arguments = plan.strace();
        must(arguments.find('\n') == arguments.npos, "arguments are one line", arguments);
    } catch (const std::invalid_argument& refusal) {
        must(*refusal.what() != '\0', "what strace cannot do is said");
    }
}

void fuzz(std::string_view input) {
    FaultPlan plan;
    try {
        plan = FaultPlan::parse(input);
    } catch (const std::invalid_argument& refusal) {
        must(*refusal.what() != '\0', "a refusal says why");
        return;
    }
    const std::string line = plan.to_string();
    must(plan.empty() || pollux_test::is_one_plain_line(line), "a plan is one plain line", line);
    const FaultPlan again = FaultPlan::parse(line);
    must(again.to_string() == line, "a plan reads as it was written", line);
    must(again.rules().size() == plan.rules().size() && again.seed() == plan.seed(),
         "with all of its rules", line);
    for (const pollux::FaultRule& rule : plan.rules()) {
        must(rule.first >= 1 && rule.first <= rule.last && rule.step >= 1, "it befalls some call");
        must(rule.percent > 0 && rule.percent <= 100, "a share is a share");
    }
    check_strace(plan);
}

const pollux_test::FuzzTarget target{"fault_plan", fuzz};

} // namespace
