#include "report.hpp"

#include <algorithm>
#include <iomanip>
#include <sstream>

#include "json.hpp"

namespace load {
namespace {

constexpr double busy_limit = 0.95;
constexpr double late_limit = 0.01;
constexpr std::uint64_t late_by_chance = 20; // one slice of the scheduler delays as many
constexpr double enough = 0.98;

std::string percentiles(const Histogram& latency) {
    return Json{}
        .number("p50", latency.percentile(50))
        .number("p90", latency.percentile(90))
        .number("p99", latency.percentile(99))
        .number("p99.9", latency.percentile(99.9))
        .number("max", latency.max())
        .line();
}

std::string buckets(const Histogram& latency) {
    std::string text = "[";
    latency.each_bucket([&](std::uint64_t longest, std::uint64_t count) {
        text += text.size() > 1 ? ", [" : "[";
        text += std::to_string(longest) + ", " + std::to_string(count) + "]";
    });
    return text + "]";
}

double microseconds(std::uint64_t nanoseconds) { return static_cast<double>(nanoseconds) / 1000; }

double per_second(std::uint64_t count, std::int64_t nanoseconds) {
    return nanoseconds > 0 ? static_cast<double>(count) * 1e9 / static_cast<double>(nanoseconds)
                           : 0.0;
}

} // namespace

double Measured::client_busy(const Options& options) const noexcept {
    const auto elapsed = static_cast<double>(result.ended - result.started);
    if (elapsed <= 0) return 0;
    // Who shares its core is kept from it while it has much to do: that is no CPU time of its own.
    const double not_waiting = 1 - static_cast<double>(result.idle) / elapsed;
    return options.spin ? not_waiting : std::max(not_waiting, static_cast<double>(cpu) / elapsed);
}

bool Measured::often_late() const noexcept {
    return result.late >= late_by_chance &&
           static_cast<double>(result.late) > late_limit * static_cast<double>(result.due);
}

bool Measured::short_of_time(const Options& options) const noexcept {
    return client_busy(options) > busy_limit || often_late();
}

// The last answers come after the last request was sent, at most as late as is allowed.
bool Measured::answered_within(std::int64_t nanoseconds, const Options& options) const noexcept {
    const auto allowed = static_cast<double>(nanoseconds + options.longest_wait().count());
    const auto taken = static_cast<double>(std::max(result.planned, result.ended - result.started));
    const auto good = static_cast<double>(result.requests - result.errors);
    return good * allowed >= enough * static_cast<double>(result.due) * taken;
}

bool Measured::keeps_rate(const Options& options) const noexcept {
    return answered_within(result.planned, options);
}

// Who is behind with sending is the limit only when the server keeps up with what is sent.
bool Measured::limited_by_client(const Options& options) const noexcept {
    if (result.due == 0) return client_busy(options) > busy_limit;
    if (keeps_rate(options)) return false;
    return client_busy(options) > busy_limit ||
           (often_late() && answered_within(result.last_began - result.started, options));
}

double Measured::rate_asked() const noexcept { return per_second(result.due, result.planned); }

double Measured::rate_kept() const noexcept {
    return per_second(result.requests - result.errors,
                      std::max(result.planned, result.ended - result.started));
}

std::string json(const Options& options, const Measured& measured, double rate) {
    const Result& result = measured.result;
    Json object;
    object.text("mode", name_of(options.mode)).number("connections", options.connections);
    if (options.mode != Options::Mode::http) object.number("size", options.size);
    object.number("depth", options.depth)
        .number("seconds", result.seconds())
        .number("requests", result.requests)
        .number("errors", result.errors)
        .number("opened", result.connections)
        .number("bytes", result.bytes)
        .number("waits", result.waits)
        .number("client_cpu_seconds", static_cast<double>(measured.cpu) / 1e9)
        .number("client_busy", measured.client_busy(options))
        .boolean("limited_by_client", measured.limited_by_client(options));
    if (rate > 0)
        object.number("rate_asked", measured.rate_asked())
            .number("rate_kept", measured.rate_kept())
            .number("late", result.late)
            .number("unanswered", result.unanswered);
    return object.raw("latency_ns", percentiles(result.latency))
        .raw("histogram", buckets(result.latency))
        .line();
}

std::string text(const Options& options, const Measured& measured, double rate) {
    const Result& result = measured.result;
    const Histogram& latency = result.latency;
    const std::int64_t elapsed = result.ended - result.started;
    std::ostringstream lines;
    lines << std::fixed << std::setprecision(1);
    lines << "requests    " << result.requests << ", " << per_second(result.requests, elapsed)
          << " a second, " << result.errors << " errors\n"
          << "bytes       " << result.bytes << ", " << per_second(result.bytes, elapsed) / 1e6
          << " MB a second\n";
    if (rate > 0)
        lines << "open loop   " << measured.rate_asked() << " a second asked, "
              << measured.rate_kept() << " kept, " << result.unanswered << " unanswered, "
              << result.late << " late\n";
    lines << "latency     p50 " << microseconds(latency.percentile(50)) << ", p90 "
          << microseconds(latency.percentile(90)) << ", p99 "
          << microseconds(latency.percentile(99)) << ", p99.9 "
          << microseconds(latency.percentile(99.9)) << ", max " << microseconds(latency.max())
          << " us\n"
          << "client      " << 100 * measured.client_busy(options) << " % busy"
          << (measured.limited_by_client(options) ? ", and the limit" : "");
    return lines.str();
}

} // namespace load
