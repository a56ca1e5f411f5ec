// Counts the allocations of the whole program: for the test programs that measure.

#include "allocations.hpp"

#include <cstdlib>
#include <malloc.h>
#include <new>

namespace {
constinit pollux_test::Allocations so_far{};
}

namespace pollux_test {
Allocations allocations() noexcept { return so_far; }
} // namespace pollux_test

void* operator new(std::size_t size) {
    void* const memory = std::malloc(size);
    if (memory == nullptr) throw std::bad_alloc{};
    ++so_far.calls;
    so_far.bytes += ::malloc_usable_size(memory);
    return memory;
}
void* operator new[](std::size_t size) { return operator new(size); }
void operator delete(void* memory) noexcept {
    if (memory == nullptr) return;
    so_far.bytes -= ::malloc_usable_size(memory);
    std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept { operator delete(memory); }
void operator delete[](void* memory) noexcept { operator delete(memory); }
void operator delete[](void* memory, std::size_t) noexcept { operator delete(memory); }
