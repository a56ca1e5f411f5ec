// Model::fork makes processes while other threads of a test allocate. malloc(3) of glibc has its
// locks in order in the child; AddressSanitizer of g++ 12 does not, and the child may wait for one
// for ever. So under it operator new and delete have a lock that fork(2) takes.

#ifdef __SANITIZE_ADDRESS__

#include <cstdlib>
#include <mutex>
#include <new>
#include <pthread.h>

namespace {

constinit std::mutex memory;

[[maybe_unused]] const int around_fork =
    ::pthread_atfork([] { memory.lock(); }, [] { memory.unlock(); }, [] { memory.unlock(); });

void* allocated(std::size_t size) {
    const std::lock_guard lock{memory};
    if (void* const place = std::malloc(size == 0 ? 1 : size)) return place;
    throw std::bad_alloc{};
}

void release(void* place) noexcept {
    const std::lock_guard lock{memory};
    std::free(place);
}

} // namespace

void* operator new(std::size_t size) { return allocated(size); }
void* operator new[](std::size_t size) { return allocated(size); }
void operator delete(void* place) noexcept { release(place); }
void operator delete(void* place, std::size_t) noexcept { release(place); }
void operator delete[](void* place) noexcept { release(place); }
void operator delete[](void* place, std::size_t) noexcept { release(place); }

#endif
