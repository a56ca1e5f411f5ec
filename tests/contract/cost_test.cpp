// What an event costs beyond its callback: nothing from the heap, no system call but the wait.

#include "support/contract.hpp"
#include "support/descriptor_ledger.hpp"
#include "support/sockets.hpp"
#include "support/wake_up_budget.hpp"

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <new>
#include <pollux/event_loop.hpp>
#include <pollux/instruments/calls.hpp>
#include <string_view>
#include <sys/mman.h>
#include <system_error>
#include <thread>
#include <vector>

namespace {

std::atomic<std::size_t> allocations{0};
std::size_t fails_at = 0; // the allocation that fails, counted from now; 0: none

void* allocate(std::size_t size) {
    allocations.fetch_add(1, std::memory_order_relaxed);
    if (fails_at > 0 && --fails_at == 0) throw std::bad_alloc{};
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

// Fails the first allocation of `work`, then the second, until it needs no more. `between` is run
// after each failure.
template <class Work, class Between> int fail_each_allocation(Work work, Between between) {
    for (int failed = 0;; ++failed) {
        fails_at = static_cast<std::size_t>(failed) + 1;
        try {
            work();
            fails_at = 0;
            return failed;
        } catch (const std::bad_alloc&) {
            between();
        } catch (...) {
            fails_at = 0;
            throw;
        }
    }
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

// Bursts of another thread, each while the loop is awake, or none of them could be counted: whether
// a loop that has run everything sleeps before the next task comes is the scheduler's affair.
CONTRACT_CASE("bursts from another thread allocate nothing, and write once for all of their tasks",
              on_level) {
    constexpr int tasks = 1'000;
    constexpr int rounds = 20;
    EventLoop loop{mode.backend};
    int ran = 0;
    int round = 0;
    std::atomic<int> wanted{0};
    std::atomic<int> posted{0};
    std::thread poster{[&] {
        for (int next = 1; next <= rounds; ++next) {
            while (wanted < next) std::this_thread::yield();
            for (int i = 0; i < tasks; ++i) loop.post([&ran, next] { ran += next > 0 ? 1 : 0; });
            posted = next;
        }
    }};
    std::size_t allocations_before = 0;
    const auto writes = calls_made("write");
    UniqueFunction<void()> have_a_burst = [&] {
        if (round == 4) allocations_before = allocations.load(); // both queues have their size
        if (round == rounds) return loop.stop();
        wanted = ++round;
        while (posted < round) std::this_thread::yield();
        loop.post([&] { have_a_burst(); });
    };
    loop.wake();
    loop.post([&] { have_a_burst(); });
    loop.run();
    poster.join();
    CHECK_EQ(ran, rounds * tasks);
    CHECK_EQ(allocations.load() - allocations_before, 0);
    CHECK_LE(calls_made("write") - writes, 3); // to begin, and to stop
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
    young.reserve(8'000);
    for (int i = 0; i < 8'000; ++i) young.push_back(loop.run_after(1ms, [] {}));
    const std::size_t before = allocations.load();
    for (Timer& timer : old) timer.run_after(1ms);
    clock.advance(1ms);
    turns(loop, 1);
    CHECK_EQ(allocations.load() - before, 0);
    for (const Timer& timer : old) REQUIRE_FALSE(timer.armed());
}

TEST_CASE(
    "timers that are made, run and given up in turn allocate nothing once there were as many") {
    FakeClock clock;
    EventLoop loop;
    int ran = 0;
    std::vector<Timer> timers(1'000);
    const auto round = [&] {
        for (Timer& timer : timers) timer = loop.run_after(1ms, [&ran] { ++ran; });
        clock.advance(1ms);
        turns(loop, 1);
        for (Timer& timer : timers) timer = Timer{};
    };
    round();
    const std::size_t before = allocations.load();
    round();
    CHECK_EQ(allocations.load() - before, 0);
    CHECK_EQ(ran, 2'000);
}

CONTRACT_CASE("X4 no memory for a watch: nothing is left of it, at whichever allocation",
              everywhere) {
    const Ends ends = unix_pair();
    const Fd file{::memfd_create("regular file", MFD_CLOEXEC)};
    put(ends.theirs, "x");
    // Numbers that tables by number have yet to grow for.
    const Fd high{::fcntl(ends.ours.get(), F_DUPFD_CLOEXEC, 500)};
    const Fd high_file{::fcntl(file.get(), F_DUPFD_CLOEXEC, 500)};
    for (const Fd* fd : {&high, &high_file}) {
        int reactors = 0; // more than one: what was left in the first had to be driven out
        EventLoop loop{[&] {
            ++reactors;
            return mode.reactor();
        }};
        const std::array<char, 100> large{};
        int calls = 0;
        std::vector<Fd> others;
        std::vector<Watch> passing;
        Watch watch;
        const int failures = fail_each_allocation(
            [&] {
                watch = loop.watch(fd->get(), Interest::read, mode.trigger,
                                   [&calls, large](Readiness) { calls += 1 + large[0]; });
            },
            [&] {
                CHECK_EQ(turns(loop, 1), 0);
                // Its place goes to others, who have nothing to do with its descriptor.
                others.emplace_back(::fcntl(fd->get(), F_DUPFD_CLOEXEC, 100));
                passing.push_back(loop.watch(others.back().get(), Interest::read, mode.trigger,
                                             [](Readiness) {}));
                passing.back().pause();
            });
        CHECK_GT(failures, 0);
        turns(loop, 1);
        CHECK_EQ(calls, 1);
        watch.pause();
        fail_each_allocation([&] { watch.resume(); }, [&] { CHECK(watch.paused()); });
        turns(loop, 1);
        CHECK_EQ(calls, 2);
        CHECK_EQ(reactors, 1);
    }
}

CONTRACT_CASE("X4 no memory for timers, tasks and the ready list: all or nothing", on_level) {
    const FakeClock clock;
    EventLoop loop{mode.backend};
    const Ends ends = unix_pair();
    const std::array<char, 100> large{};
    int calls = 0;
    Timer timer;
    CHECK_GT(fail_each_allocation(
                 [&] { timer = loop.run_after(0ns, [&calls, large] { calls += 1 + large[0]; }); },
                 [&] { CHECK_EQ(loop.time_to_wait(), forever); }),
             0);
    turns(loop, 1);
    CHECK_EQ(calls, 1);
    CHECK_GT(fail_each_allocation([&] { loop.post([&calls, large] { calls += 1 + large[0]; }); },
                                  [&] { CHECK_EQ(loop.time_to_wait(), forever); }),
             0);
    turns(loop, 2);
    CHECK_EQ(calls, 2);
    Watch watch =
        loop.watch(ends.ours.get(), Interest::read, Trigger::level, [&](Readiness) { ++calls; });
    fail_each_allocation([&] { watch.again(); }, [&] { CHECK_EQ(turns(loop, 1), 0); });
    turns(loop, 2);
    CHECK_EQ(calls, 3);
}

TEST_CASE("X4 no memory for a loop: every descriptor is closed again") {
    const DescriptorLedger ledger;
    for (const Backend backend : {Backend::select, Backend::poll, Backend::epoll})
        CHECK_GT(fail_each_allocation([&] { const EventLoop loop{backend}; }, [] {}), 0);
}

CONTRACT_CASE("X1 the kernel refuses a part of a loop: every descriptor is closed again",
              on_level) {
    for (const std::string_view refused : {"eventfd", "epoll_create1", "epoll_ctl", "fcntl"}) {
        const CallHook hook{[&](const CallPoint& call) {
            return call.name == refused ? CallOutcome{.error = EMFILE} : CallOutcome{};
        }};
        const bool is_used = refused == "eventfd" || on_epoll(mode) == (refused != "fcntl");
        int reason = 0;
        try {
            const EventLoop loop{mode.backend};
        } catch (const std::system_error& error) {
            reason = error.code().value();
        }
        CHECK_EQ(reason, is_used ? EMFILE : 0);
    }
}
