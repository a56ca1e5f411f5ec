#include <doctest/doctest.h>

#include <utility>
#include <vector>

#include "load/histogram.hpp"

using load::Histogram;

TEST_CASE("an empty histogram answers zero") {
    const Histogram histogram;
    CHECK(histogram.count() == 0);
    CHECK(histogram.percentile(50) == 0);
    CHECK(histogram.max() == 0);
}

TEST_CASE("small values are exact, and a percentile is the smallest value that covers its share") {
    Histogram histogram;
    for (std::uint64_t value = 1; value <= 100; ++value) histogram.record(value);
    CHECK(histogram.count() == 100);
    CHECK(histogram.percentile(0) == 1);
    CHECK(histogram.percentile(50) == 50);
    CHECK(histogram.percentile(99) == 99);
    CHECK(histogram.percentile(99.9) == 100);
    CHECK(histogram.percentile(100) == 100);
}

TEST_CASE("a share that is a whole number of values is not rounded up to one more") {
    Histogram histogram;
    for (int n = 0; n < 999; ++n) histogram.record(1);
    histogram.record(2);
    CHECK(histogram.percentile(99.9) == 1);
}

TEST_CASE("a large value comes back at most one part in 128 too high, never too low") {
    for (std::uint64_t value = 1; value < (std::uint64_t{1} << 42U); value = value * 5 / 3 + 1) {
        Histogram histogram;
        histogram.record(value);
        histogram.record(std::uint64_t{1} << 42U); // so that the maximum does not cut the answer
        CAPTURE(value);
        CHECK(histogram.percentile(50) >= value);
        CHECK(histogram.percentile(50) <= value + value / 128);
    }
}

TEST_CASE("neighbouring powers of two fall into ordered buckets") {
    Histogram histogram;
    for (const std::uint64_t value : {127U, 128U, 255U, 256U, 257U, 511U, 512U})
        histogram.record(value);
    CHECK(histogram.percentile(14) == 127);
    CHECK(histogram.percentile(28) == 128);
    CHECK(histogram.percentile(42) == 255);
    CHECK(histogram.percentile(71) == 257);
    CHECK(histogram.percentile(85) == 511);
    CHECK(histogram.percentile(100) == 512);
}

TEST_CASE("what is longer than the range counts as the longest, and the maximum stays exact") {
    Histogram histogram;
    histogram.record(std::uint64_t{1} << 60U);
    CHECK(histogram.count() == 1);
    CHECK(histogram.max() == std::uint64_t{1} << 60U);
    CHECK(histogram.percentile(50) == (std::uint64_t{1} << 42U) - 1);
}

TEST_CASE("the buckets that hold something come in order, and the last ends with the maximum") {
    Histogram histogram;
    for (const std::uint64_t value : {3U, 1000U, 1001U, 3U, 5000U}) histogram.record(value);
    std::vector<std::pair<std::uint64_t, std::uint64_t>> buckets;
    histogram.each_bucket(
        [&](std::uint64_t longest, std::uint64_t count) { buckets.emplace_back(longest, count); });
    CHECK(buckets ==
          std::vector<std::pair<std::uint64_t, std::uint64_t>>{{3, 2}, {1003, 2}, {5000, 1}});
    Histogram{}.each_bucket([](std::uint64_t, std::uint64_t) { FAIL("an empty one has none"); });
}
