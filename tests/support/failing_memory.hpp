#pragma once

#include <cstdint>

// The operator new of every program that links this asks fault plans and hooks about each
// allocation, which they know as a call named "new".

namespace pollux_test {

/// While it lives, the `nth` allocation of this thread from now on (1: the next) fails with
/// `std::bad_alloc`, once.
class FailingMemory {
public:
    explicit FailingMemory(int nth);
    ~FailingMemory();
    FailingMemory(const FailingMemory&) = delete;
    FailingMemory& operator=(const FailingMemory&) = delete;
};

/// How many allocations of all threads have not been given back.
std::int64_t live_allocations() noexcept;

} // namespace pollux_test
