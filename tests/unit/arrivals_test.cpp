#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "load/arrivals.hpp"

using load::Arrivals;
using load::Goal;
using load::Options;

namespace {

std::vector<std::int64_t> all_of(Arrivals& arrivals, const Goal& goal) {
    std::vector<std::int64_t> moments;
    for (arrivals.begin(goal, 0); !arrivals.exhausted(); arrivals.pop())
        moments.push_back(arrivals.next());
    return moments;
}

} // namespace

TEST_CASE("a closed loop has no arrivals") {
    Arrivals arrivals{Options{}};
    arrivals.begin({.amount = 5}, 7);
    CHECK(arrivals.exhausted());
    CHECK(arrivals.next() == Arrivals::never);
}

TEST_CASE("even arrivals begin with the phase and do not drift") {
    Arrivals arrivals{Options{}};
    const auto moments = all_of(arrivals, {.duration = std::chrono::seconds{10}, .rate = 3000});
    REQUIRE(moments.size() == 30'000);
    CHECK(moments.front() == 0);
    CHECK(moments[3] == 1'000'000);
    CHECK(moments[29'997] == 9'999'000'000);
    CHECK(arrivals.planned() == 10'000'000'000);
}

TEST_CASE("an amount bounds the arrivals, and says how long they take") {
    Arrivals arrivals{Options{}};
    CHECK(all_of(arrivals, {.amount = 50, .rate = 1000}).size() == 50);
    CHECK(arrivals.planned() == 50'000'000);
}

TEST_CASE("poisson arrivals have the rate as their mean and vary as much as they should") {
    Options options;
    options.arrivals = Options::Arrival::poisson;
    Arrivals arrivals{options};
    const auto moments = all_of(arrivals, {.amount = 100'000, .rate = 1000});
    REQUIRE(moments.size() == 100'000);
    const double mean = static_cast<double>(moments.back()) / 99'999;
    double squares = 0;
    for (std::size_t i = 1; i < moments.size(); ++i)
        squares += std::pow(static_cast<double>(moments[i] - moments[i - 1]) - mean, 2);
    CHECK(mean == doctest::Approx(1e6).epsilon(0.02));
    CHECK(std::sqrt(squares / 99'999) == doctest::Approx(1e6).epsilon(0.05));
}

TEST_CASE("one seed gives the same arrivals, phases of one run differ") {
    Options options;
    options.arrivals = Options::Arrival::poisson;
    const Goal goal{.amount = 10, .rate = 1000};
    Arrivals one{options};
    Arrivals another{options};
    const auto first = all_of(one, goal);
    CHECK(first == all_of(another, goal));
    CHECK(first != all_of(one, goal));
    options.seed = 2;
    Arrivals different{options};
    CHECK(first != all_of(different, goal));
}
