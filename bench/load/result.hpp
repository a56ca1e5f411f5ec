#pragma once

#include <cstdint>
#include <limits>

#include "histogram.hpp"

namespace load {

/// When a phase ends: at a time, or after so much.
struct Goal {
    static constexpr auto unbounded = std::numeric_limits<std::uint64_t>::max();
    std::int64_t deadline = std::numeric_limits<std::int64_t>::max();
    std::uint64_t amount = unbounded; ///< Requests, or bytes.
};

/// What a phase did.
struct Result {
    std::int64_t started = 0;
    std::int64_t ended = 0;
    std::uint64_t requests = 0;
    std::uint64_t bytes = 0; ///< Sent; as many came back when echoing.
    std::uint64_t waits = 0;
    Histogram latency;
};

} // namespace load
