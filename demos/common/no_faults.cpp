#include "faults.hpp"

#include <stdexcept>

namespace demos {

void begin_faults(const std::string& program, const std::string&) {
    throw std::invalid_argument{"--fault: only demo_hooked injects faults; run: demo_hooked " +
                                program + " --fault PLAN"};
}

std::string faults_made() { return {}; }

FaultsUntilHere::~FaultsUntilHere() = default;

} // namespace demos
