#pragma once

#include <pollux/instruments/fault_plan.hpp>

namespace pollux {

/// What follows the `=` of a rule.
std::string text_of(const Fault& fault);

} // namespace pollux
