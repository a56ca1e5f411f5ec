// The one target that this program is linked with, for libFuzzer, which has the main().

#include "fuzzing.hpp"

#include <cstdint>

// The name is libFuzzer's.
// NOLINTNEXTLINE(readability-identifier-naming)
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    pollux_test::FuzzTarget::first()->run({reinterpret_cast<const char*>(bytes), size});
    return 0;
}
