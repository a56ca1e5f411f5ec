#include "faults.hpp"

#include <iostream>
#include <memory>
#include <pollux/instruments/fault_injection.hpp>

namespace demos {
namespace {

constexpr std::size_t shown = std::size_t{64} << 10; // of the plan at the end, in bytes

std::unique_ptr<pollux::FaultInjection>& in_force() {
    static std::unique_ptr<pollux::FaultInjection> injection;
    return injection;
}

} // namespace

void begin_faults(const std::string&, const std::string& plan) {
    in_force() = std::make_unique<pollux::FaultInjection>(pollux::FaultPlan::parse(plan));
}

std::string faults_made() {
    return in_force() ? " faults=" + std::to_string(in_force()->injected()) : std::string{};
}

FaultsUntilHere::~FaultsUntilHere() {
    if (!in_force()) return;
    const std::size_t count = in_force()->injected();
    std::string plan = in_force()->log();
    in_force().reset();
    if (plan.size() > shown) plan = plan.substr(0, plan.rfind(';', shown)) + "; and so on";
    std::cerr << "injected " << count << (count == 1 ? " fault: " : " faults: ") << plan
              << std::endl;
}

} // namespace demos
