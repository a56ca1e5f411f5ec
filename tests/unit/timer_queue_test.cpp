// T1 of the catalogue: the queue of timers against a model.

#include "timer_queue.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <deque>
#include <map>
#include <random>
#include <stdexcept>
#include <utility>
#include <vector>

using namespace pollux;

namespace {

Clock::time_point at(std::int64_t nanoseconds) {
    return Clock::time_point{Clock::duration{nanoseconds}};
}

// What the queue is to do, as simply as it can be said.
struct Model {
    struct Entry {
        int name;
        std::int64_t interval;
    };
    std::multimap<std::int64_t, Entry> armed; // equal keys keep the order of insertion

    void disarm(int name) {
        for (auto entry = armed.begin(); entry != armed.end(); ++entry)
            if (entry->second.name == name) {
                armed.erase(entry);
                return;
            }
    }
    void arm(int name, std::int64_t due, std::int64_t interval) {
        disarm(name);
        armed.emplace(due, Entry{name, interval});
    }
    std::vector<int> run_due(std::int64_t now) {
        std::vector<std::pair<std::int64_t, Entry>> due;
        while (!armed.empty() && armed.begin()->first <= now) {
            due.emplace_back(*armed.begin());
            armed.erase(armed.begin());
        }
        std::vector<int> ran;
        for (const auto& [time, entry] : due) {
            ran.push_back(entry.name);
            if (entry.interval > 0)
                armed.emplace(time + ((now - time) / entry.interval + 1) * entry.interval, entry);
        }
        return ran;
    }
};

struct Played {
    TimerSlot* slot;
    std::int64_t interval;
};

} // namespace

TEST_CASE("T1 any sequence of operations: the same timers run in the same order as in a model") {
    for (unsigned seed = 1; seed <= 60; ++seed) {
        CAPTURE(seed);
        std::mt19937 random{seed};
        const auto up_to = [&]<class Number>(Number most) {
            return std::uniform_int_distribution<Number>{0, most}(random);
        };
        TimerQueue queue;
        Model model;
        std::map<int, Played> played;
        std::vector<int> ran;
        std::int64_t now = 1'000;
        int next_name = 0;
        std::int64_t spread = 10; // from many equal times to years
        for (unsigned power = seed % 16; power > 0; --power) spread *= 10;
        for (int step = 0; step < 2'000; ++step) {
            const auto pick = [&] {
                return std::next(played.begin(), up_to(static_cast<int>(played.size()) - 1));
            };
            const std::int64_t due = now + up_to(spread) - spread / 10;
            const int what = up_to(9);
            if (played.empty() || what <= 2) {
                const std::int64_t interval = up_to(3) == 0 ? 1 + up_to(spread) : 0;
                const int name = next_name++;
                TimerSlot& slot = queue.make(at(due), Clock::duration{interval},
                                             [&ran, name] { ran.push_back(name); });
                played.emplace(name, Played{&slot, interval});
                model.arm(name, due, interval);
            } else if (what <= 6) {
                // Mostly put off, as idle deadlines are.
                const auto& [name, timer] = *pick();
                const std::int64_t again = up_to(2) == 0 ? due : now + spread;
                queue.arm(*timer.slot, at(again));
                model.arm(name, again, timer.interval);
            } else if (what == 7) {
                const auto& [name, timer] = *pick();
                queue.cancel(*timer.slot);
                CHECK_FALSE(queue.armed(*timer.slot));
                model.disarm(name);
            } else if (what == 8) {
                const auto chosen = pick();
                queue.release(*chosen->second.slot);
                model.disarm(chosen->first);
                played.erase(chosen);
            } else {
                now += up_to(spread / 2);
                ran.clear();
                const std::size_t count = queue.run_due(at(now), nullptr);
                REQUIRE_EQ(ran, model.run_due(now));
                REQUIRE_EQ(count, ran.size());
            }
            REQUIRE_EQ(queue.idle(), model.armed.empty());
            REQUIRE_EQ(queue.live(), played.size());
            if (!model.armed.empty() && step % 7 == 0)
                REQUIRE_LE(queue.next_due(), at(model.armed.begin()->first));
        }
        queue.clear();
    }
}

TEST_CASE("a task that arms, cancels and releases others of its round") {
    TimerQueue queue;
    std::vector<int> ran;
    std::deque<TimerSlot*> timers;
    timers.push_back(&queue.make(at(1), {}, [&] {
        ran.push_back(0);
        queue.cancel(*timers[1]);
        queue.release(*timers[2]);
        queue.arm(*timers[3], at(5));
        timers.push_back(&queue.make(at(0), {}, [&] { ran.push_back(9); })); // takes the place of 2
        queue.arm(*timers[0], at(0));
    }));
    for (int name = 1; name <= 4; ++name)
        timers.push_back(&queue.make(at(1), {}, [&ran, name] { ran.push_back(name); }));
    queue.run_due(at(1), nullptr);
    CHECK_EQ(ran, std::vector<int>{0, 4});
    queue.cancel(*timers[0]);
    queue.run_due(at(1), nullptr);
    CHECK_EQ(ran, std::vector<int>{0, 4, 9});
    queue.run_due(at(5), nullptr);
    CHECK_EQ(ran, std::vector<int>{0, 4, 9, 3});
    queue.clear();
}

TEST_CASE("T2 P15 what is armed in a round that an exception cut short waits for the next round") {
    TimerQueue queue;
    std::vector<int> ran;
    TimerSlot* young = nullptr;
    TimerSlot* const thrower = &queue.make(at(1), {}, [&] {
        ran.push_back(0);
        young = &queue.make(at(0), {}, [&] { ran.push_back(9); });
        throw std::runtime_error{"first"};
    });
    TimerSlot* const next = &queue.make(at(2), {}, [&] {
        ran.push_back(1);
        queue.arm(*thrower, at(0));
        queue.cancel(*thrower);
    });
    TimerSlot* const last = &queue.make(at(1'000'000'000), {}, [&] { ran.push_back(2); });
    CHECK_THROWS_WITH(queue.run_due(at(3), nullptr), "first");
    CHECK(queue.has_leftovers());
    queue.run_due(at(2'000'000'000), nullptr);
    CHECK_EQ(ran, std::vector<int>{0, 1});
    CHECK_FALSE(queue.has_leftovers());
    CHECK_LE(queue.next_due(), at(0));
    queue.run_due(at(2'000'000'000), nullptr);
    CHECK_EQ(ran, std::vector<int>{0, 1, 9, 2});
    CHECK(queue.idle());
    for (TimerSlot* const slot : {thrower, next, last, young}) queue.release(*slot);
    CHECK_EQ(queue.live(), 0);
}
