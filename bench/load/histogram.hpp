#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace load {

/// Counts of durations in log-linear buckets: each power of two is cut into 128, so a percentile is
/// at most 0.8 % too high at any size, recording is two instructions and an increment, and nothing
/// is thrown away. Values are nanoseconds below 2^42 (73 minutes); longer ones count as that.
class Histogram {
public:
    void record(std::uint64_t value) noexcept {
        largest_ = std::max(largest_, value);
        ++total_;
        ++buckets_[bucket_of(std::min(value, limit - 1))];
    }

    std::uint64_t count() const noexcept { return total_; }
    std::uint64_t max() const noexcept { return largest_; }

    /// The smallest recorded value that at least this share of all values do not exceed, rounded up
    /// to the end of its bucket; zero when nothing was recorded.
    std::uint64_t percentile(double percent) const noexcept {
        const auto wanted = std::max<std::uint64_t>(1, rank(percent));
        std::uint64_t seen = 0;
        for (std::size_t bucket = 0; bucket < buckets_.size(); ++bucket) {
            seen += buckets_[bucket];
            if (seen >= wanted) return std::min(last_value_of(bucket), largest_);
        }
        return largest_;
    }

    /// Calls `visit(longest, count)` for each bucket that holds something, the shortest first; the
    /// last one ends with the largest recorded value.
    template <class Visit> void each_bucket(Visit visit) const {
        std::uint64_t left = total_;
        for (std::size_t bucket = 0; left > 0; ++bucket) {
            if (buckets_[bucket] == 0) continue;
            left -= buckets_[bucket];
            visit(left == 0 ? largest_ : last_value_of(bucket), buckets_[bucket]);
        }
    }

private:
    static constexpr unsigned exact_bits = 7;
    static constexpr std::uint64_t exact = std::uint64_t{1} << exact_bits; // buckets of width one
    static constexpr unsigned value_bits = 42;
    static constexpr std::uint64_t limit = std::uint64_t{1} << value_bits;
    static constexpr std::size_t bucket_count = (value_bits - exact_bits + 1) * exact;

    // A value below 128 has a bucket of its own; above, `shift` low bits are dropped and the upper
    // eight, of which the first is always set, choose among the 128 buckets of that power.
    static std::size_t bucket_of(std::uint64_t value) noexcept {
        if (value < exact) return value;
        const auto shift = static_cast<unsigned>(std::bit_width(value)) - exact_bits - 1;
        return shift * exact + (value >> shift);
    }

    static std::uint64_t last_value_of(std::size_t bucket) noexcept {
        if (bucket < exact) return bucket;
        const auto shift = static_cast<unsigned>(bucket / exact) - 1;
        return ((bucket - shift * exact + 1) << shift) - 1;
    }

    std::uint64_t rank(double percent) const noexcept {
        const double exactly = percent * static_cast<double>(total_) / 100.0; // 99.9 % of 1000: 999
        const auto below = static_cast<std::uint64_t>(exactly);
        return below + (static_cast<double>(below) < exactly ? 1 : 0);
    }

    std::array<std::uint64_t, bucket_count> buckets_{};
    std::uint64_t total_ = 0;
    std::uint64_t largest_ = 0;
};

} // namespace load
