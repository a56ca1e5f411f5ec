#pragma once

#include <cstdint>
#include <functional>
#include <string_view>
#include <utility>
#include <vector>

namespace peers {

/// The figures of one sample, by name.
using Sample = std::vector<std::pair<std::string_view, std::uint64_t>>;

/// Prints "ready", and then for each line "go COUNT" of standard input what `measure(COUNT)` found,
/// as one JSON object. Returns at its end. comparison/standing.py has several programs stand by and
/// goes round among them. Throws `std::invalid_argument` on any other line.
void stand_by(const std::function<Sample(std::uint64_t count)>& measure);

} // namespace peers
