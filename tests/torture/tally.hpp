#pragma once

#include "support/contract.hpp"

#include <cstdint>
#include <string_view>

namespace pollux_test {

/// What became of the runs of a scenario in a mode.
struct Tally {
    std::uint64_t runs = 0;
    std::uint64_t faults = 0;
    std::uint64_t right = 0;    ///< Runs that did the job all the same.
    std::uint64_t reported = 0; ///< Runs that reported an error instead.

    void count(std::uint64_t injected, bool was_right) noexcept;
};

/// Adds to the table that is printed when the program ends.
void add_to_table(std::string_view scenario, const Mode& mode, const Tally& tally);

} // namespace pollux_test
