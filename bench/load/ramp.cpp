#include "ramp.hpp"

#include <cmath>
#include <sstream>

#include "json.hpp"

namespace load {
namespace {

constexpr double enough = 0.98;
constexpr double narrow = 1.1;
constexpr double highest = 1e8; // that --rate takes
constexpr int most_halvings = 10;

const char* name_of(Limit limit) noexcept {
    switch (limit) {
    case Limit::client:
        return "client";
    case Limit::rate:
        return "rate";
    case Limit::p99:
        return "p99";
    case Limit::none:
        break;
    }
    return "none";
}

double next_rate(const Knee& knee) noexcept {
    if (knee.not_kept == 0) return 2 * knee.kept;
    if (knee.kept == 0) return knee.not_kept / 2;
    return std::sqrt(knee.kept * knee.not_kept);
}

bool is_of_server(const Knee& knee) noexcept {
    return knee.kept > 0 && (knee.because == Limit::rate || knee.because == Limit::p99);
}

} // namespace

Limit limit_of(const Options& options, const Measured& measured) noexcept {
    const Result& result = measured.result;
    if (measured.limited_by_client(options)) return Limit::client;
    // The last answers come after the last request was due, at most as late as is allowed.
    const auto planned = static_cast<double>(result.planned);
    const double allowed = planned + static_cast<double>(options.p99_limit.count());
    if (measured.rate_kept() * allowed < enough * measured.rate_asked() * planned)
        return Limit::rate;
    const auto limit = static_cast<std::uint64_t>(options.p99_limit.count());
    return result.latency.percentile(99) > limit ? Limit::p99 : Limit::none;
}

Knee find_knee(double first, const std::function<Limit(double rate)>& try_rate) {
    Knee knee;
    double rate = first;
    for (int halvings = 0; rate <= highest && halvings < most_halvings;) {
        Limit limit = try_rate(rate);
        if (limit != Limit::none) limit = try_rate(rate);
        if (limit == Limit::none) {
            knee.kept = rate;
        } else {
            knee.not_kept = rate;
            knee.because = limit;
            halvings += knee.kept == 0 ? 1 : 0;
        }
        if (knee.kept > 0 && knee.not_kept > 0 && knee.not_kept <= narrow * knee.kept) break;
        rate = next_rate(knee);
    }
    return knee;
}

std::string json(const Knee& knee) {
    Json object;
    if (is_of_server(knee))
        object.number("knee", knee.kept);
    else
        object.raw("knee", "null");
    return object.text("because", name_of(knee.because))
        .number("kept", knee.kept)
        .number("not_kept", knee.not_kept)
        .line();
}

std::string text(const Knee& knee) {
    std::ostringstream line;
    line << "knee        " << (is_of_server(knee) ? "" : "not seen: ") << knee.kept
         << " a second kept, " << knee.not_kept << " not (" << name_of(knee.because) << ')';
    return line.str();
}

} // namespace load
