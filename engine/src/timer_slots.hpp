#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <pollux/clock.hpp>
#include <pollux/function.hpp>
#include <utility>
#include <vector>

#include "cache_line.hpp"

namespace pollux {

/// A timer, as the queue keeps it: one cache line, so that whatever is done with it waits for
/// memory once.
struct TimerSlot {
    Task task;
    TimerSlot* next = nullptr;  // for the wheel
    TimerSlot** link = nullptr; // for the wheel
    Clock::time_point due{};
    Clock::duration interval{}; // zero: runs once
    std::uint64_t serial = 0;   // of its arming

    std::uint64_t order() const noexcept { return serial; }
};
static_assert(sizeof(TimerSlot) == cache_line);

/// Slots at stable addresses, reused.
///
/// They lie in pages; one line of a page, its ledger, tells which of the others are free. So those
/// that are taken in a row lie in a row, in whatever order they were given back: the processor
/// fetches a line before it is asked for. A list of free slots would lead from miss to miss. For
/// the same reason nothing is read of a slot that is taken: it is made anew.
class TimerSlots {
public:
    TimerSlots() = default;
    TimerSlots(const TimerSlots&) = delete;
    TimerSlots& operator=(const TimerSlots&) = delete;
    ~TimerSlots() {
        for_each([](TimerSlot& slot) { std::destroy_at(&slot); });
    }

    /// Throws std::bad_alloc.
    TimerSlot& take(Task&& task, Clock::duration interval) {
        if (with_room_ == nullptr) [[unlikely]]
            grow();
        Ledger& ledger = *with_room_;
        std::byte* const place = line_at(page_of(&ledger), first_of(ledger.free));
        ledger.free &= ledger.free - 1;
        if (ledger.free == 0) [[unlikely]]
            with_room_ = ledger.next;
        ++live_;
        return *new (place) TimerSlot{.task = std::move(task), .interval = interval};
    }
    /// Its task is destroyed. That may be code that comes back here: nobody gets the slot
    /// meanwhile.
    void give_back(TimerSlot& slot) noexcept {
        std::destroy_at(&slot);
        std::byte* const page = page_of(&slot);
        Ledger& ledger = ledger_of(page);
        // The page goes first: its slots are more likely in the cache than others.
        if (ledger.free == 0) ledger.next = std::exchange(with_room_, &ledger);
        const auto place = static_cast<std::size_t>(reinterpret_cast<std::byte*>(&slot) - page);
        ledger.free |= std::uint64_t{1} << place / cache_line;
        --live_;
    }
    std::size_t live() const noexcept { return live_; }

    /// Of all that are taken, and of those taken meanwhile some.
    template <class Visit> void for_each(Visit visit) {
        // NOLINTNEXTLINE(modernize-loop-convert): there may come more
        for (std::size_t i = 0; i < pages_.size(); ++i) {
            std::byte* const page = pages_[i];
            for (std::uint64_t left = lines_of(page); left != 0; left &= left - 1)
                if (const std::size_t line = first_of(left);
                    (ledger_of(page).free >> line & 1) == 0)
                    visit(*reinterpret_cast<TimerSlot*>(line_at(page, line)));
        }
    }

private:
    static constexpr std::size_t page_size = 64 * cache_line;
    static constexpr std::size_t most_at_once = 32; // pages

    struct Ledger {
        std::uint64_t free;     // a bit for each line
        Ledger* next = nullptr; // that has room, if this has
    };

    static std::byte* page_of(void* place) noexcept {
        const std::uintptr_t within = reinterpret_cast<std::uintptr_t>(place) % page_size;
        return static_cast<std::byte*>(place) - within;
    }
    // Which line that is differs from page to page: a cache has few places for lines that are a
    // multiple of a page apart.
    static std::size_t line_of_ledger(const std::byte* page) noexcept {
        return reinterpret_cast<std::uintptr_t>(page) / page_size % 64;
    }
    static Ledger& ledger_of(std::byte* page) noexcept {
        return *reinterpret_cast<Ledger*>(line_at(page, line_of_ledger(page)));
    }
    static std::byte* line_at(std::byte* page, std::size_t line) noexcept {
        return page + line * cache_line;
    }
    static std::size_t first_of(std::uint64_t lines) noexcept {
        return static_cast<std::size_t>(std::countr_zero(lines));
    }
    static std::uint64_t lines_of(const std::byte* page) noexcept {
        return ~(std::uint64_t{1} << line_of_ledger(page));
    }

    void grow() {
        if (unused_pages_ == 0) get_pages();
        std::byte* const page = pages_.emplace_back(unused_);
        with_room_ = new (&ledger_of(page)) Ledger{lines_of(page)};
        unused_ += page_size;
        --unused_pages_;
    }
    // An alignas would ask another operator new than the one that programs replace.
    void get_pages() {
        const std::size_t count = std::clamp<std::size_t>(pages_.size(), 1, most_at_once);
        std::size_t room = (count + 1) * page_size - 1;
        memory_.push_back(std::make_unique_for_overwrite<std::byte[]>(room));
        void* place = memory_.back().get();
        unused_ = static_cast<std::byte*>(std::align(page_size, count * page_size, place, room));
        unused_pages_ = count;
    }

    std::vector<std::unique_ptr<std::byte[]>> memory_;
    std::vector<std::byte*> pages_; // in use, of that memory
    std::byte* unused_ = nullptr;   // the next page
    std::size_t unused_pages_ = 0;
    Ledger* with_room_ = nullptr;
    std::size_t live_ = 0;
};

} // namespace pollux
