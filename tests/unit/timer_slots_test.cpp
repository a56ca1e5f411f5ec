#include "timer_slots.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <random>
#include <set>
#include <vector>

using namespace pollux;

namespace {

constexpr std::size_t count = 10'000;

std::vector<TimerSlot*> take(TimerSlots& slots) {
    std::vector<TimerSlot*> taken(count);
    std::ranges::generate(taken, [&] { return &slots.take({}, {}); });
    return taken;
}

} // namespace

TEST_CASE("slots that are taken in a row lie in a row, whatever was given back before") {
    TimerSlots slots;
    std::vector<TimerSlot*> taken = take(slots);
    const std::set<TimerSlot*> places{taken.begin(), taken.end()};
    CHECK_EQ(places.size(), count);
    std::mt19937 random{1};
    for (int round = 0; round < 3; ++round) {
        std::ranges::shuffle(taken, random);
        for (TimerSlot* const slot : taken) slots.give_back(*slot);
        CHECK_EQ(slots.live(), 0);
        taken = take(slots);
        std::size_t jumps = 0;
        for (std::size_t i = 1; i < count; ++i) jumps += taken[i] != taken[i - 1] + 1 ? 1U : 0U;
        CHECK_LE(jumps, 2 * (count / 63 + 1)); // to the next page, and over the line of its ledger
        CHECK(std::ranges::all_of(taken, [&](TimerSlot* slot) {
            return reinterpret_cast<std::uintptr_t>(slot) % cache_line == 0;
        }));
    }
    // No new ones were needed, but for the page that the first round may have left half.
    CHECK_LE(std::ranges::count_if(taken, [&](TimerSlot* slot) { return !places.contains(slot); }),
             63);
}

TEST_CASE(
    "a task that is destroyed with its slot may take slots, and all that are taken are found") {
    TimerSlots slots;
    struct Maker {
        TimerSlots* slots;
        TimerSlot** made;
        Maker(TimerSlots* of, TimerSlot** into) : slots{of}, made{into} {}
        Maker(Maker&& other) noexcept
            : slots{std::exchange(other.slots, nullptr)}, made{other.made} {}
        Maker& operator=(Maker&&) = delete;
        ~Maker() {
            if (slots != nullptr) *made = &slots->take({}, {});
        }
        void operator()() const {}
    };
    TimerSlot* made = nullptr;
    TimerSlot& first = slots.take(Maker{&slots, &made}, {});
    slots.give_back(first);
    CHECK_NE(made, nullptr);
    CHECK_NE(made, &first);
    CHECK_EQ(slots.live(), 1);
    std::vector<TimerSlot*> found;
    slots.for_each([&](TimerSlot& slot) { found.push_back(&slot); });
    CHECK_EQ(found, std::vector{made});
    slots.give_back(*made);
}
