#include "process_mark.hpp"

#include <atomic>

#include "sys.hpp"

namespace pollux {
namespace {

using Mark = std::atomic<std::uint64_t>;

// Where the kernel has no such page the mark never changes, and a child that forgets after_fork
// goes unnoticed.
Mark* make_page() noexcept {
    static Mark fallback{0};
    constexpr std::size_t size = 4096;
    void* const page =
        sys::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED || page == nullptr) return &fallback;
    if (sys::madvise(page, size, MADV_WIPEONFORK) != 0) return &fallback;
    return new (page) Mark{0};
}

} // namespace

std::uint64_t process_mark() noexcept {
    static Mark* const page = make_page();
    static Mark last{0}; // a child goes on from its parent's
    if (const std::uint64_t mark = page->load(std::memory_order_relaxed); mark != 0) return mark;
    std::uint64_t none = 0;
    const std::uint64_t fresh = last.fetch_add(1, std::memory_order_relaxed) + 1;
    return page->compare_exchange_strong(none, fresh) ? fresh : none;
}

} // namespace pollux
