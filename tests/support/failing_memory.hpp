#pragma once

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

} // namespace pollux_test
