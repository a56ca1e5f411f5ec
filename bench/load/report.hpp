#pragma once

#include <cstdint>
#include <string>

#include "options.hpp"
#include "result.hpp"

namespace load {

/// A phase as it was, and what it cost the client.
struct Measured {
    Result result;
    std::int64_t cpu = 0; ///< Nanoseconds of this process.

    /// How much of the time the client had something to do, on its core or kept from it by others;
    /// what a spinning one did in vain does not count.
    double client_busy(const Options& options) const noexcept;

    /// Whether the client had no time left, or began more of the requests of an open loop late than
    /// can be by chance.
    bool short_of_time(const Options& options) const noexcept;

    /// Whether an open loop was answered at the rate that was asked, but for 2 %.
    bool keeps_rate(const Options& options) const noexcept;

    /// Whether the figures say more about the client than about the server. See `usage`.
    bool limited_by_client(const Options& options) const noexcept;

    /// Of an open loop, in requests a second: what was due, and what of it was answered other than
    /// by an error.
    double rate_asked() const noexcept;
    double rate_kept() const noexcept;

private:
    bool often_late() const noexcept;
    bool answered_within(std::int64_t nanoseconds, const Options& options) const noexcept;
};

/// One JSON object in one line.
std::string json(const Options& options, const Measured& measured, double rate);

/// The same for people, in some lines; the histogram is left out.
std::string text(const Options& options, const Measured& measured, double rate);

} // namespace load
