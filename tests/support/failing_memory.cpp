#include "failing_memory.hpp"

#include <cstdlib>
#include <new>

namespace {

constinit thread_local int until_failure = 0; // 1: the next allocation fails; 0: none will

void* allocated(std::size_t size) {
    if (until_failure > 0 && --until_failure == 0) throw std::bad_alloc{};
    if (void* const memory = std::malloc(size == 0 ? 1 : size)) return memory;
    throw std::bad_alloc{};
}

} // namespace

// The ordinary forms of the program's operator new, and those for arrays: under a sanitizer these
// do not call the ordinary ones.
void* operator new(std::size_t size) { return allocated(size); }
void* operator new[](std::size_t size) { return allocated(size); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }

namespace pollux_test {

FailingMemory::FailingMemory(int nth) { until_failure = nth; }

FailingMemory::~FailingMemory() { until_failure = 0; }

} // namespace pollux_test
