#pragma once

#include <cstddef>

namespace pollux_test {

/// What `operator new` was asked for so far in a program that links allocations.cpp.
struct Allocations {
    std::size_t calls = 0;
    std::size_t bytes = 0; ///< That are held now.
};
Allocations allocations() noexcept;

} // namespace pollux_test
