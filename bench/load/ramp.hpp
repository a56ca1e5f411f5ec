#pragma once

#include <functional>

#include "options.hpp"
#include "report.hpp"

namespace load {

/// Why a rate is not kept.
enum class Limit : std::uint8_t {
    none,   ///< It is kept.
    client, ///< This side had no time left: that says nothing about the server.
    rate,   ///< Less than 98 % of it was answered in time and without errors,
    p99     ///< or one in a hundred waited too long.
};

/// A rate that is kept is kept, however busy or late the client was.
Limit limit_of(const Options& options, const Measured& measured) noexcept;

/// As long as asked; longer where p99 needs more requests than fall due in that time, up to 5 s.
std::chrono::nanoseconds step_length(std::chrono::nanoseconds asked, double rate) noexcept;

/// Between which rates a server comes to its limit.
struct Knee {
    double kept = 0;     ///< The highest that was; 0: none.
    double not_kept = 0; ///< The lowest that was not; 0: all were.
    Limit because = Limit::none;
};

/// Doubles the rate until it is not kept, or halves it until it is, then narrows the interval to
/// 10 %. What counts is the best of three tries at a rate: where cores are shared, one slice of the
/// scheduler given to another program is enough to spoil p99.
Knee find_knee(double first, const std::function<Limit(double rate)>& try_rate);

/// One line of JSON. There is no knee of the server where the client was the limit; what was kept
/// is then the least that it can be.
std::string json(const Knee& knee);

/// One line for people.
std::string text(const Knee& knee);

} // namespace load
