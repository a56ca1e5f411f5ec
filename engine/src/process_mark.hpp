#pragma once

#include <atomic>
#include <cstdint>

namespace pollux {

/// Remembers a process, so that a child it forks can tell that it is another one. Asking costs a
/// load and no system call: the word asked for lies on a page that the kernel wipes in a child
/// (MADV_WIPEONFORK, madvise(2), Linux 4.14). Where the kernel has no such page every process
/// looks like the remembered one.
class ProcessMark {
public:
    /// Remembers this process.
    ProcessMark() noexcept : page_{shared_page()} { renew(); }

    bool is_current() const noexcept { return page_.load(std::memory_order_relaxed) == mark_; }
    void renew() noexcept;
    /// Remembers no process.
    void forget() noexcept { mark_ = nobodys; }

private:
    using Page = std::atomic<std::uint64_t>;
    static constexpr auto nobodys = static_cast<std::uint64_t>(-1);
    static Page& shared_page() noexcept;

    Page& page_;
    std::uint64_t mark_ = nobodys;
};

} // namespace pollux
