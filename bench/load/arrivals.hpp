#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <random>

#include "options.hpp"
#include "result.hpp"

namespace load {

/// When the requests of an open loop are due. Planned beforehand and never put off, however long
/// the server takes: a client that waits for an answer before it asks again leaves out just those
/// requests that would have met the stall (Gil Tene calls that coordinated omission; wrk2 was the
/// first well-known client without it).
class Arrivals {
public:
    static constexpr std::int64_t never = std::numeric_limits<std::int64_t>::max();

    explicit Arrivals(const Options& options)
        : poisson_(options.arrivals == Options::Arrival::poisson), random_(options.seed) {}

    /// Begins a phase at this moment. A closed loop (rate 0) has no arrivals.
    void begin(const Goal& goal, std::int64_t time) {
        period_ = goal.rate > 0 ? 1e9 / goal.rate : 0;
        started_ = time;
        duration_ = goal.rate > 0 ? goal.duration.count() : 0;
        left_ = goal.rate > 0 ? goal.amount : 0;
        count_ = 0;
        offset_ = 0;
    }

    bool exhausted() const noexcept { return left_ == 0 || offset() >= duration_; }

    /// The moment of the next; `never` when exhausted.
    std::int64_t next() const noexcept { return exhausted() ? never : started_ + offset(); }

    /// Goes on to the one after.
    void pop() {
        --left_;
        ++count_;
        offset_ = poisson_ ? offset_ + exponential_(random_) * period_
                           : static_cast<double>(count_) * period_;
    }

    /// How long all of it takes; known when exhausted.
    std::int64_t planned() const noexcept { return std::min(duration_, offset()); }

private:
    std::int64_t offset() const noexcept { return static_cast<std::int64_t>(offset_); }

    bool poisson_;
    std::mt19937_64 random_;
    std::exponential_distribution<double> exponential_;
    double period_ = 0; // nanoseconds
    double offset_ = 0;
    std::int64_t started_ = 0;
    std::int64_t duration_ = 0;
    std::uint64_t left_ = 0;
    std::uint64_t count_ = 0;
};

} // namespace load
