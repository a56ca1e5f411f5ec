#pragma once

#include <chrono>
#include <cstdint>
#include <limits>

#include "histogram.hpp"

namespace load {

/// What a phase is to do: for a time, or so much.
struct Goal {
    static constexpr auto unbounded = std::numeric_limits<std::uint64_t>::max();
    static constexpr std::chrono::nanoseconds endless = std::chrono::hours{24 * 365};
    std::chrono::nanoseconds duration = endless;
    std::uint64_t amount = unbounded; ///< Requests, or bytes.
    double rate = 0;                  ///< Of an open loop, in requests a second; 0: a closed loop.
};

/// What a phase did.
struct Result {
    std::int64_t started = 0;
    std::int64_t ended = 0;
    std::uint64_t requests = 0; ///< Answered.
    std::uint64_t bytes = 0;    ///< Received; sent when uploading.
    std::uint64_t waits = 0;
    std::uint64_t errors = 0;      ///< Answers that say so, among `requests`.
    std::uint64_t connections = 0; ///< Opened within the phase.
    std::int64_t idle = 0;         ///< Nanoseconds of waiting for something to do.
    Histogram latency;

    // Of an open loop:
    std::uint64_t due = 0;
    std::uint64_t late = 0;       ///< Left more than 1 ms later than due: the client's fault.
    std::int64_t last_began = 0;  ///< When the client turned to the last that was due.
    std::uint64_t unanswered = 0; ///< When patience was over; in `latency`, not in `requests`.
    std::int64_t planned = 0;     ///< Nanoseconds from the start to the end of what was due.

    double seconds() const noexcept { return static_cast<double>(ended - started) / 1e9; }
};

} // namespace load
