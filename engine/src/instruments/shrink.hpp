#pragma once

#include <cstddef>
#include <pollux/instruments/explore.hpp>
#include <vector>

namespace pollux {

struct Shrunk {
    std::vector<std::size_t> answers;
    std::size_t runs = 0;
};

/// The simplest failing run that is found from one that fails: with the fewest choices that are not
/// plain, then the fewest choices, then the smallest answers.
Shrunk shrink(const ExploreOptions& options, const Trial& trial, std::vector<std::size_t> answers);

} // namespace pollux
