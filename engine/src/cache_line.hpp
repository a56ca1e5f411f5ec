#pragma once

#include <cstddef>

namespace pollux {

/// The size of a line of the caches, of x86 and of most others; a wrong one costs time only. What
/// is used together stands on one line. What one thread writes all the time stands on other lines
/// than what another one uses, or each write takes the line out of the other's cache.
inline constexpr std::size_t cache_line = 64;

} // namespace pollux
