#include <doctest/doctest.h>

#include <chrono>
#include <string>
#include <vector>

#include "load/listen_queue.hpp"
#include "load/ramp.hpp"

using load::find_knee;
using load::Knee;
using load::Limit;

namespace {

// A server that keeps so much, and beyond it fails for this reason.
Knee knee_of(double first, double capacity, Limit reason, std::vector<double>* tried = nullptr) {
    return find_knee(first, [&](double rate) {
        if (tried != nullptr) tried->push_back(rate);
        return rate <= capacity ? Limit::none : reason;
    });
}

load::Measured measured(std::int64_t planned, std::int64_t elapsed, std::uint64_t due,
                        std::uint64_t answered, std::uint64_t latency) {
    load::Measured measured;
    measured.result.planned = planned;
    measured.result.ended = elapsed;
    measured.result.idle = elapsed;
    measured.result.due = due;
    measured.result.requests = answered;
    for (std::uint64_t n = 0; n < answered; ++n) measured.result.latency.record(latency);
    return measured;
}

constexpr std::int64_t second = 1'000'000'000;
constexpr std::uint64_t microsecond = 1'000;

} // namespace

TEST_CASE("the knee is found within a tenth, from below and from above") {
    for (const double first : {10.0, 1000.0, 30'000.0}) {
        const Knee knee = knee_of(first, 12'345, Limit::p99);
        CHECK(knee.kept <= 12'345);
        CHECK(knee.not_kept > 12'345);
        CHECK(knee.not_kept <= 1.1 * knee.kept);
        CHECK(knee.because == Limit::p99);
    }
}

TEST_CASE("what counts is the best of three tries at a rate") {
    std::vector<double> tried;
    const Knee knee = find_knee(1000, [&](double rate) {
        tried.push_back(rate);
        return tried.size() <= 2 || rate > 1500 ? Limit::rate : Limit::none;
    });
    CHECK(tried[0] == tried[2]);
    CHECK(tried[3] == 2000);
    CHECK(tried[5] == 2000);
    CHECK(tried[6] < 2000);
    CHECK(knee.kept > 1000);
}

TEST_CASE("the client is the reason only when it was in all tries") {
    int tries = 0;
    const Knee knee = find_knee(1000, [&](double rate) {
        if (rate <= 5000) return Limit::none;
        return ++tries % 3 == 1 ? Limit::p99 : Limit::client;
    });
    CHECK(knee.because == Limit::p99);
}

TEST_CASE("a step is as long as asked, or as 200 requests need, but 5 s at most") {
    using std::chrono::milliseconds;
    CHECK(load::step_length(milliseconds{250}, 4000) == milliseconds{250});
    CHECK(load::step_length(milliseconds{250}, 100) == milliseconds{2000});
    CHECK(load::step_length(milliseconds{250}, 1) == milliseconds{5000});
    CHECK(load::step_length(milliseconds{6000}, 1) == milliseconds{6000});
}

TEST_CASE("who keeps nothing has no knee, and who keeps all has none that was seen") {
    std::vector<double> tried;
    const Knee nothing = knee_of(1000, 0, Limit::rate, &tried);
    CHECK(nothing.kept == 0);
    CHECK(tried.size() == 30);
    CHECK(load::json(nothing).starts_with("{\"knee\": null, \"because\": \"rate\""));
    const Knee everything = knee_of(1000, 1e9, Limit::rate);
    CHECK(everything.not_kept == 0);
    CHECK(load::json(everything).starts_with("{\"knee\": null, \"because\": \"none\""));
}

TEST_CASE("where the client is the limit there is no knee of the server") {
    CHECK(load::json(knee_of(1000, 5000, Limit::client))
              .starts_with("{\"knee\": null, \"because\": \"client\""));
    CHECK(load::json(knee_of(1000, 5000, Limit::p99)).starts_with("{\"knee\": 4"));
    CHECK(load::text(knee_of(1000, 5000, Limit::client)).find("at least 4") != std::string::npos);
    CHECK(load::text(knee_of(1000, 0, Limit::client)).find("nothing kept") != std::string::npos);
}

TEST_CASE("a client limit above the knee does not hide the knee") {
    const Knee knee = find_knee(1000, [](double rate) {
        if (rate > 7000) return Limit::client;
        return rate > 5000 ? Limit::p99 : Limit::none;
    });
    CHECK(knee.because == Limit::p99);
    CHECK(knee.kept <= 5000);
}

TEST_CASE("a rate is kept when it is answered in time, and soon where that is asked") {
    load::Options options;
    CHECK(limit_of(options, measured(second, second, 1000, 1000, 20'000 * microsecond)) ==
          Limit::none);
    options.p99_limit = std::chrono::milliseconds{10};
    CHECK(limit_of(options, measured(second, second, 1000, 1000, microsecond)) == Limit::none);
    CHECK(limit_of(options, measured(second, 2 * second, 1000, 1000, microsecond)) == Limit::rate);
    CHECK(limit_of(options, measured(second, second, 1000, 900, microsecond)) == Limit::rate);
    CHECK(limit_of(options, measured(second, second, 1000, 1000, 20'000 * microsecond)) ==
          Limit::p99);
    // A server that refuses quickly does not keep the rate.
    load::Measured refused = measured(second, second, 1000, 1000, microsecond);
    refused.result.errors = 30;
    CHECK(limit_of(options, refused) == Limit::rate);
    // The last answer of a short phase may come after its end.
    CHECK(limit_of(options, measured(second / 10, second * 11 / 100, 100, 100, microsecond)) ==
          Limit::none);
}

TEST_CASE("a rate that is kept is kept, however late or busy the client was") {
    const load::Options options;
    load::Measured kept = measured(second, second, 1000, 1000, microsecond);
    kept.result.late = 500;
    kept.cpu = second;
    CHECK_FALSE(kept.limited_by_client(options));
    CHECK(limit_of(options, kept) == Limit::none);
}

TEST_CASE("a client that is late is the limit when the server answers what it sends") {
    const load::Options options;
    load::Measured late = measured(second, 2 * second, 1000, 1000, microsecond);
    late.result.late = 500;
    late.result.last_began = 2 * second;
    CHECK(late.limited_by_client(options));
    CHECK(limit_of(options, late) == Limit::client);
    // The client had sent all long before the server was through.
    late.result.last_began = second * 12 / 10;
    CHECK_FALSE(late.limited_by_client(options));
    CHECK(limit_of(options, late) == Limit::rate);
}

TEST_CASE("a few requests that left late say nothing about the client") {
    load::Options options;
    options.p99_limit = std::chrono::milliseconds{10};
    load::Measured late = measured(second, second, 58, 58, 20'000 * microsecond);
    late.result.late = 19;
    CHECK(limit_of(options, late) == Limit::p99);
    late.result.late = 20;
    CHECK(limit_of(options, late) == Limit::client);
    load::Measured seldom = measured(second, second, 5000, 5000, 20'000 * microsecond);
    seldom.result.late = 50;
    CHECK(limit_of(options, seldom) == Limit::p99);
}

TEST_CASE("a busy client is the limit of what is not kept") {
    const load::Options options;
    load::Measured busy = measured(second, 2 * second, 1000, 1000, microsecond);
    busy.cpu = 2 * second * 96 / 100;
    CHECK(limit_of(options, busy) == Limit::client);
    // One that others keep from its core has little time of it, and does not wait either.
    load::Measured displaced = measured(second, 2 * second, 1000, 1000, microsecond);
    displaced.cpu = second / 2;
    CHECK(limit_of(options, displaced) == Limit::rate);
    displaced.result.idle = second / 100;
    CHECK(limit_of(options, displaced) == Limit::client);
    // One that never sleeps is busy only while there is something to do.
    load::Options spinning;
    spinning.spin = true;
    busy.result.idle = second / 2;
    CHECK(limit_of(spinning, busy) == Limit::rate);
    // A closed loop has no rate to keep.
    busy.result.due = 0;
    CHECK(busy.limited_by_client(options));
    CHECK_FALSE(busy.limited_by_client(spinning));
}

TEST_CASE("connections that wait to be accepted are read from the table of the kernel") {
    const std::string table =
        "  sl  local_address rem_address   st tx_queue rx_queue\n"
        "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000002 00:00000000 00000000 0 0 1 1\n"
        "   1: 0100007F:1F91 00000000:0000 0A 00000000:0000001F 00:00000000 00000000 0 0 1 1\n"
        "   2: 00000000:1F90 00000000:0000 0A 00000000:00000001 00:00000000 00000000 0 0 1 1\n"
        "   3: 0100007F:1F90 0100007F:9999 01 00000000:00000040 00:00000000 00000000 0 0 1 1\n";
    CHECK(load::waiting_in_listen_queue(table, 8080) == 3);
    CHECK(load::waiting_in_listen_queue(table, 8081) == 31);
    CHECK(load::waiting_in_listen_queue(table, 80) == 0);
    CHECK(load::waiting_in_listen_queue("", 80) == 0);
}
