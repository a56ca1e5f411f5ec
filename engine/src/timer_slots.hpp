#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <pollux/clock.hpp>
#include <pollux/function.hpp>
#include <ranges>
#include <utility>
#include <vector>

#include "cache_line.hpp"

namespace pollux {

/// A timer, as the queue keeps it: one cache line, so that whatever is done with it waits for
/// memory once.
struct TimerSlot {
    Task task;
    TimerSlot* next = nullptr;  // in the wheel, or among the free ones
    TimerSlot** link = nullptr; // for the wheel
    Clock::time_point due{};
    Clock::duration interval{}; // zero: runs once
    std::uint64_t serial = 0;   // of its arming

    std::uint64_t order() const noexcept { return serial; }
};
static_assert(sizeof(TimerSlot) == cache_line);

/// Slots at stable addresses, reused.
class TimerSlots {
public:
    /// Throws std::bad_alloc.
    TimerSlot& take() {
        if (free_ == nullptr) grow();
        ++live_;
        return *std::exchange(free_, free_->next);
    }
    /// Its task is destroyed. That may be code that comes back here: nobody gets the slot
    /// meanwhile.
    void give_back(TimerSlot& slot) noexcept {
        { const Task task = std::move(slot.task); }
        slot.next = std::exchange(free_, &slot);
        --live_;
    }
    std::size_t live() const noexcept { return live_; }

    /// Of all there are, in use or not.
    template <class Visit> void for_each(Visit visit) {
        // NOLINTNEXTLINE(modernize-loop-convert): there may come more
        for (std::size_t chunk = 0; chunk < chunks_.size(); ++chunk)
            for (TimerSlot& slot : *chunks_[chunk].slots) visit(slot);
    }

private:
    using Slots = std::array<TimerSlot, 64>;

    // An alignas would ask another operator new than the one that programs replace.
    struct Chunk {
        std::unique_ptr<std::byte[]> memory{new std::byte[room]};
        Slots* slots;

        Chunk() {
            void* place = memory.get();
            std::size_t left = room;
            slots = new (std::align(cache_line, sizeof(Slots), place, left)) Slots{};
        }
        Chunk(Chunk&& other) noexcept
            : memory{std::move(other.memory)}, slots{std::exchange(other.slots, nullptr)} {}
        Chunk& operator=(Chunk&&) = delete;
        ~Chunk() {
            if (slots != nullptr) slots->~Slots();
        }
        static constexpr std::size_t room = sizeof(Slots) + cache_line - 1;
    };

    void grow() {
        chunks_.emplace_back();
        // The first goes first: timers that are made in a row lie in a row.
        for (TimerSlot& slot : *chunks_.back().slots | std::views::reverse)
            slot.next = std::exchange(free_, &slot);
    }

    std::vector<Chunk> chunks_;
    TimerSlot* free_ = nullptr;
    std::size_t live_ = 0;
};

} // namespace pollux
