#pragma once

#include "../common/program.hpp"
#include "service.hpp"

#include <pollux/clock.hpp>
#include <string>

namespace demos::http {

/// The figures of the server as one JSON object.
std::string statistics_json(ServerProgram& program, const Service::Tally& tally,
                            pollux::Clock::time_point started);

} // namespace demos::http
