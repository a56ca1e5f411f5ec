#pragma once

namespace pollux {

/// Tells the processor that it is in a loop that waits: that saves power, and gives way to the
/// other thread of the same core.
inline void rest() noexcept {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
}

} // namespace pollux
