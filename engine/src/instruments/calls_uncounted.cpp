#include <pollux/instruments/calls.hpp>

namespace pollux {

std::vector<CallCount> call_counts() { return {}; }

} // namespace pollux
