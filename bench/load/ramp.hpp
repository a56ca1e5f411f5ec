#pragma once

#include <functional>

#include "options.hpp"
#include "report.hpp"

namespace load {

/// Why a rate is not kept.
enum class Limit : std::uint8_t {
    none,   ///< It is kept.
    client, ///< This side had no time left: the rate says nothing about the server.
    rate,   ///< Less than 98 % of it was answered in time and without errors,
    p99     ///< or one in a hundred waited too long.
};

Limit limit_of(const Options& options, const Measured& measured) noexcept;

/// Between which rates a server comes to its limit.
struct Knee {
    double kept = 0;     ///< The highest that was; 0: none.
    double not_kept = 0; ///< The lowest that was not; 0: all were.
    Limit because = Limit::none;
};

/// Doubles the rate until it is not kept, or halves it until it is, then narrows the interval to
/// 10 %. A rate that is not kept is tried once more: one hiccup of the machine is not the server's.
Knee find_knee(double first, const std::function<Limit(double rate)>& try_rate);

/// One line of JSON. There is no knee of the server where the client was the limit.
std::string json(const Knee& knee);

/// One line for people.
std::string text(const Knee& knee);

} // namespace load
