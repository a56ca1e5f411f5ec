#pragma once

namespace pollux {

/// Tells the threads of a process apart while they live. Null is none of them.
using ThreadMark = const void*;

/// A load, where `std::this_thread::get_id` is a call: it is asked for with each turn that is taken
/// by itself.
inline ThreadMark this_thread() noexcept { return __builtin_thread_pointer(); }

} // namespace pollux
