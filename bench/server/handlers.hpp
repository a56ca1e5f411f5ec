#pragma once

#include "server/settings.hpp"

#include <pollux/stream/connection_set.hpp>

namespace bench {

/// What the connections of one loop do. Several loops share the answer, which nobody changes.
pollux::ConnectionHandlers handlers_for(const Settings& settings);

} // namespace bench
