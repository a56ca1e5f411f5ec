#pragma once

#include <cstddef>
#include <memory>
#include <pollux/loop_pool.hpp>
#include <vector>

namespace pollux {

/// The end of what lives on a loop of a pool. What that takes is had beforehand, so that it cannot
/// fail. Good for one call; the pool must live until then.
class LastCall {
public:
    /// Throws `std::bad_alloc`.
    LastCall(LoopPool& pool, std::size_t place);
    LastCall(LastCall&&) noexcept;
    LastCall& operator=(LastCall&&) noexcept;
    ~LastCall();

    /// Calls it on the loop's thread and waits, or here when that has ended. `work` must not throw;
    /// with two pointers at most it takes no memory. Not for a thread of the pool (std::terminate).
    // NOLINTNEXTLINE(bugprone-exception-escape)
    void make(UniqueFunction<void()> work) noexcept;

private:
    struct State;
    std::shared_ptr<State> state_;
};

/// One for each loop.
std::vector<LastCall> last_calls(LoopPool& pool);

} // namespace pollux
