#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace pollux_test {

/// How far the machine's stack reached between the calls of `look`.
class StackDepth {
public:
    [[gnu::noinline]] void look() {
        const auto here = reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
        lowest_ = std::min(lowest_, here);
        highest_ = std::max(highest_, here);
    }
    std::size_t range() const { return highest_ - lowest_; }

private:
    std::uintptr_t lowest_ = UINTPTR_MAX;
    std::uintptr_t highest_ = 0;
};

} // namespace pollux_test
