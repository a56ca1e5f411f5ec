#pragma once

#include <pollux/loop_pool.hpp>

namespace pollux {

/// Has `told` called, once, when an exception has left a loop of that pool, which is ending
/// therefore: on that loop's thread, or here when it was before. `told` must not throw.
void tell_failure(LoopPool& pool, UniqueFunction<void()> told);

} // namespace pollux
