#include "failing_memory.hpp"

#include <atomic>
#include <cstdlib>
#include <new>
#include <pollux/instruments/call_hook.hpp>

namespace {

constinit thread_local int until_failure = 0; // 1: the next allocation fails; 0: none will
constinit std::atomic<std::int64_t> live{0};

void* allocated(std::size_t size) noexcept {
    if (until_failure > 0 && --until_failure == 0) return nullptr;
    if (pollux::is_allocation_refused()) return nullptr;
    void* const memory = std::malloc(size == 0 ? 1 : size);
    if (memory != nullptr) live.fetch_add(1, std::memory_order_relaxed);
    return memory;
}

void* allocated_or_thrown(std::size_t size) {
    if (void* const memory = allocated(size)) return memory;
    throw std::bad_alloc{};
}

void given_back(void* memory) noexcept {
    if (memory != nullptr) live.fetch_sub(1, std::memory_order_relaxed);
    std::free(memory);
}

} // namespace

// Each form of operator new that the program uses: under a sanitizer these do not call one another.
void* operator new(std::size_t size) { return allocated_or_thrown(size); }
void* operator new[](std::size_t size) { return allocated_or_thrown(size); }
void* operator new(std::size_t size, const std::nothrow_t&) noexcept { return allocated(size); }
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept { return allocated(size); }
void operator delete(void* memory) noexcept { given_back(memory); }
void operator delete(void* memory, std::size_t) noexcept { given_back(memory); }
void operator delete[](void* memory) noexcept { given_back(memory); }
void operator delete[](void* memory, std::size_t) noexcept { given_back(memory); }
void operator delete(void* memory, const std::nothrow_t&) noexcept { given_back(memory); }
void operator delete[](void* memory, const std::nothrow_t&) noexcept { given_back(memory); }

namespace pollux_test {

FailingMemory::FailingMemory(int nth) { until_failure = nth; }

FailingMemory::~FailingMemory() { until_failure = 0; }

std::int64_t live_allocations() noexcept { return live.load(); }

} // namespace pollux_test
