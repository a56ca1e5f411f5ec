#include "ramp.hpp"

#include <algorithm>
#include <cmath>
#include <sstream>

#include "json.hpp"

namespace load {
namespace {

constexpr double narrow = 1.1;
constexpr double highest = 1e8; // that --rate takes
constexpr int most_halvings = 10;
constexpr int tries = 3;
constexpr double requests_for_p99 = 200;
constexpr double longest_step = 5e9; // ns

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

bool is_of_server(Limit limit) noexcept { return limit == Limit::rate || limit == Limit::p99; }

bool is_of_server(const Knee& knee) noexcept { return knee.kept > 0 && is_of_server(knee.because); }

// Not kept by any of some tries. The client is the reason only when it was each time.
Limit best_of_tries(double rate, const std::function<Limit(double rate)>& try_rate) {
    Limit worst = Limit::client;
    for (int n = 0; n < tries; ++n) {
        const Limit limit = try_rate(rate);
        if (limit == Limit::none) return limit;
        if (is_of_server(limit)) worst = limit;
    }
    return worst;
}

} // namespace

Limit limit_of(const Options& options, const Measured& measured) noexcept {
    if (!measured.keeps_rate(options))
        return measured.limited_by_client(options) ? Limit::client : Limit::rate;
    const auto limit = static_cast<std::uint64_t>(options.p99_limit.count());
    if (limit == 0 || measured.result.latency.percentile(99) <= limit) return Limit::none;
    return measured.short_of_time(options) ? Limit::client : Limit::p99;
}

std::chrono::nanoseconds step_length(std::chrono::nanoseconds asked, double rate) noexcept {
    const double needed = std::min(longest_step, requests_for_p99 * 1e9 / rate);
    return std::max(asked, std::chrono::nanoseconds{static_cast<std::int64_t>(needed)});
}

Knee find_knee(double first, const std::function<Limit(double rate)>& try_rate) {
    Knee knee;
    double rate = first;
    for (int halvings = 0; rate <= highest && halvings < most_halvings;) {
        const Limit limit = best_of_tries(rate, try_rate);
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
    line << "knee        ";
    if (knee.kept == 0)
        line << "not seen: nothing kept, ";
    else
        line << (is_of_server(knee) ? "" : "at least ") << knee.kept << " a second kept, ";
    line << knee.not_kept << " not (" << name_of(knee.because) << ')';
    return line.str();
}

} // namespace load
