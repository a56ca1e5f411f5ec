#pragma once

#include <cstdint>

namespace pollux {

/// A number that differs between a process and the children it forks. Costs one load: the page it
/// lies on is wiped by the kernel in a child (MADV_WIPEONFORK, madvise(2), Linux 4.14).
std::uint64_t process_mark() noexcept;

} // namespace pollux
