#include "process_mark.hpp"

#include <new>

#include "sys.hpp"

namespace pollux {

ProcessMark::Page& ProcessMark::shared_page() noexcept {
    static Page fallback{0};
    static Page& page = []() noexcept -> Page& {
        constexpr std::size_t size = 4096;
        void* const memory =
            sys::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (memory == MAP_FAILED || memory == nullptr) return fallback;
        if (sys::madvise(memory, size, MADV_WIPEONFORK) != 0) return fallback;
        return *new (memory) Page{0};
    }();
    return page;
}

// A wiped page holds zero: then this process has no mark yet. Marks go on from the parent's.
void ProcessMark::renew() noexcept {
    static Page last{0};
    mark_ = page_.load(std::memory_order_relaxed);
    if (mark_ != 0) return;
    const std::uint64_t fresh = last.fetch_add(1, std::memory_order_relaxed) + 1;
    if (page_.compare_exchange_strong(mark_, fresh)) mark_ = fresh;
}

} // namespace pollux
