// What an event costs beyond its callback: nothing from the heap, no system call but the wait.

#include "support/contract.hpp"
#include "support/sockets.hpp"
#include "support/wake_up_budget.hpp"

#include <array>
#include <atomic>
#include <cstdlib>
#include <new>
#include <pollux/event_loop.hpp>
#include <pollux/instruments/calls.hpp>
#include <vector>

namespace {

std::atomic<std::size_t> allocations{0};

void* allocate(std::size_t size) {
    allocations.fetch_add(1, std::memory_order_relaxed);
    if (void* const memory = std::malloc(size > 0 ? size : 1)) return memory;
    throw std::bad_alloc{};
}

} // namespace

// The whole program's. NOLINTBEGIN(misc-definitions-in-headers)
void* operator new(std::size_t size) { return allocate(size); }
void* operator new[](std::size_t size) { return allocate(size); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }
// NOLINTEND(misc-definitions-in-headers)

using namespace pollux;
using namespace pollux_test;
using namespace std::chrono_literals;

namespace {

std::uint64_t all_calls() {
    std::uint64_t made = 0;
    for (const CallCount& count : call_counts()) made += count.made;
    return made;
}

struct Cost {
    std::size_t allocations;
    std::uint64_t waits;
    std::uint64_t other_calls;
};

template <class Work> Cost cost_of(Work work) {
    const std::uint64_t waits = calls_made("wait");
    const std::uint64_t calls = all_calls();
    const std::size_t before = allocations.load();
    work();
    const std::size_t after = allocations.load();
    const std::uint64_t waited = calls_made("wait") - waits;
    return {after - before, waited, all_calls() - calls - waited};
}

constexpr std::size_t ready = 50;

struct Crowd {
    explicit Crowd(const Mode& mode) : loop{mode.backend} {
        for (std::size_t i = 0; i < ready; ++i) {
            pairs.push_back(unix_pair());
            put(pairs[i].theirs, "x");
            watches.push_back(loop.watch(pairs[i].ours.get(), Interest::read, mode.trigger,
                                         [this](Readiness) { ++calls; }));
        }
    }
    EventLoop loop;
    std::vector<Ends> pairs;
    std::vector<Watch> watches;
    std::size_t calls = 0;
};

} // namespace

CONTRACT_CASE("a turn is one wait: no event allocates or calls the kernel", everywhere) {
    Crowd crowd{mode};
    turns(crowd.loop, 1); // arrays of backends grow
    for (const Watch& watch : crowd.watches) CHECK(watch);
    for (Watch& watch : crowd.watches) watch.rearm();
    crowd.calls = 0;
    const Cost cost = cost_of([&] { turns(crowd.loop, 1); });
    CHECK_EQ(crowd.calls, ready);
    CHECK_EQ(cost.allocations, 0);
    CHECK_EQ(cost.waits, 1);
    CHECK_EQ(cost.other_calls, 0);
}

CONTRACT_CASE("the ready list costs nothing either", everywhere) {
    Crowd crowd{mode};
    const auto again = [&] {
        for (Watch& watch : crowd.watches) watch.again();
        turns(crowd.loop, 1);
    };
    again();
    again(); // both lists have their size
    crowd.calls = 0;
    const Cost cost = cost_of(again);
    CHECK_EQ(crowd.calls, ready);
    CHECK_EQ(cost.allocations, 0);
    CHECK_EQ(cost.waits, 1);
    CHECK_EQ(cost.other_calls, 0);
}

CONTRACT_CASE("tasks of two words posted by callbacks allocate nothing and write to no descriptor",
              on_level) {
    EventLoop loop{mode.backend};
    int ran = 0;
    struct Again {
        EventLoop* loop;
        int* ran;
        void operator()() const {
            ++*ran;
            loop->post(*this);
        }
    };
    loop.post(Again{&loop, &ran});
    turns(loop, 3);
    const int before = ran;
    const Cost cost = cost_of([&] { turns(loop, 10); });
    CHECK_EQ(ran, before + 10);
    CHECK_EQ(cost.allocations, 0);
    CHECK_EQ(cost.waits, 10);
    CHECK_EQ(cost.other_calls, 0);
}

TEST_CASE("wake-ups before a turn cost one write and one read together") {
    EventLoop loop;
    turns(loop, 1);
    const Cost cost = cost_of([&] {
        for (int i = 0; i < 1'000; ++i) loop.wake();
        loop.run_once();
    });
    CHECK_EQ(cost.allocations, 0);
    CHECK_EQ(cost.waits, 1);
    CHECK_EQ(cost.other_calls, 2);
}

TEST_CASE("arming a timer that exists allocates nothing, whatever others were made and run since") {
    FakeClock clock;
    EventLoop loop;
    std::vector<Timer> old;
    old.reserve(1'000);
    for (int i = 0; i < 1'000; ++i) old.push_back(loop.run_after(1ms, [] {}));
    clock.advance(1ms);
    turns(loop, 1);
    std::vector<Timer> young; // take the room that the old ones had
    young.reserve(5'000);
    for (int i = 0; i < 5'000; ++i) young.push_back(loop.run_after(1ms, [] {}));
    const std::size_t before = allocations.load();
    for (Timer& timer : old) timer.run_after(1ms);
    clock.advance(1ms);
    turns(loop, 1);
    CHECK_EQ(allocations.load() - before, 0);
    for (const Timer& timer : old) REQUIRE_FALSE(timer.armed());
}
