// T1 and T13 of the catalogue: the queue of timers against a model, and its growth.

#include "timer_queue.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <deque>
#include <map>
#include <random>
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
    TimerQueue::Id id;
    std::int64_t interval;
};

} // namespace

TEST_CASE("T1 any sequence of operations: the same timers run in the same order as in a model") {
    for (unsigned seed = 1; seed <= 60; ++seed) {
        CAPTURE(seed);
        std::mt19937 random{seed};
        const auto up_to = [&](int most) {
            return std::uniform_int_distribution<int>{0, most}(random);
        };
        TimerQueue queue;
        Model model;
        std::map<int, Played> played;
        std::vector<int> ran;
        std::int64_t now = 1'000;
        int next_name = 0;
        const int spread = seed % 2 == 0 ? 10 : 1'000; // many equal times, or few
        for (int step = 0; step < 2'000; ++step) {
            const auto pick = [&] {
                return std::next(played.begin(), up_to(static_cast<int>(played.size()) - 1));
            };
            const std::int64_t due = now + up_to(spread) - spread / 10;
            const int what = up_to(9);
            if (played.empty() || what <= 2) {
                const std::int64_t interval = up_to(3) == 0 ? 1 + up_to(spread) : 0;
                const int name = next_name++;
                const auto id = queue.make(at(due), Clock::duration{interval},
                                           [&ran, name] { ran.push_back(name); });
                played.emplace(name, Played{id, interval});
                model.arm(name, due, interval);
            } else if (what <= 6) {
                // Mostly put off, as idle deadlines are.
                const auto& [name, timer] = *pick();
                const std::int64_t again = up_to(2) == 0 ? due : now + spread;
                queue.arm(timer.id, at(again));
                model.arm(name, again, timer.interval);
            } else if (what == 7) {
                const auto& [name, timer] = *pick();
                queue.cancel(timer.id);
                CHECK_FALSE(queue.armed(timer.id));
                model.disarm(name);
            } else if (what == 8) {
                const auto chosen = pick();
                queue.release(chosen->second.id);
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
                REQUIRE_EQ(queue.next_due().time_since_epoch().count(), model.armed.begin()->first);
        }
        queue.clear();
    }
}

TEST_CASE("a task that arms, cancels and releases others of its round") {
    TimerQueue queue;
    std::vector<int> ran;
    std::deque<TimerQueue::Id> ids;
    ids.push_back(queue.make(at(1), {}, [&] {
        ran.push_back(0);
        queue.cancel(ids[1]);
        queue.release(ids[2]);
        queue.arm(ids[3], at(5));
        ids.push_back(queue.make(at(0), {}, [&] { ran.push_back(9); })); // takes the place of 2
        queue.arm(ids[0], at(0));
    }));
    for (int name = 1; name <= 4; ++name)
        ids.push_back(queue.make(at(1), {}, [&ran, name] { ran.push_back(name); }));
    queue.run_due(at(1), nullptr);
    CHECK_EQ(ran, std::vector<int>{0, 4});
    queue.cancel(ids[0]);
    queue.run_due(at(1), nullptr);
    CHECK_EQ(ran, std::vector<int>{0, 4, 9});
    queue.run_due(at(5), nullptr);
    CHECK_EQ(ran, std::vector<int>{0, 4, 9, 3});
    queue.clear();
}

TEST_CASE("an id of a timer that is gone names nobody, though its place is taken") {
    TimerQueue queue;
    int ran = 0;
    const auto old = queue.make(at(1), {}, [] {});
    queue.release(old);
    const auto young = queue.make(at(1), {}, [&] { ++ran; });
    CHECK_FALSE(queue.armed(old));
    queue.cancel(old);
    queue.release(old);
    CHECK(queue.armed(young));
    queue.run_due(at(1), nullptr);
    CHECK_EQ(ran, 1);
    queue.release(young);
}

namespace {

struct Node {
    Clock::time_point due{};
    std::uint32_t place = not_in_heap;
    std::uint64_t serial = 0;
    std::uint64_t order() const noexcept { return serial; }
};

} // namespace

TEST_CASE("T13 putting off a deadline a hundred thousand times moves nothing in the heap") {
    std::deque<Node> nodes(1'000);
    DeadlineHeap<Node> heap;
    std::uint64_t serial = 0;
    for (Node& node : nodes) {
        node.serial = ++serial;
        heap.arm(node, at(static_cast<std::int64_t>(serial)));
    }
    std::vector<std::uint32_t> places;
    places.reserve(nodes.size());
    for (const Node& node : nodes) places.push_back(node.place);
    for (int round = 1; round <= 100; ++round)
        for (Node& node : nodes) {
            node.serial = ++serial;
            heap.arm(node, at(1'000 + static_cast<std::int64_t>(serial)));
        }
    std::size_t moved = 0;
    for (std::size_t i = 0; i < nodes.size(); ++i) moved += nodes[i].place == places[i] ? 0U : 1U;
    CHECK_EQ(moved, 0);
    for (const Node& node : nodes) {
        REQUIRE_EQ(heap.earliest(), &node);
        heap.disarm(*heap.earliest());
    }
    CHECK(heap.empty());
}

TEST_CASE("T13 a hundred thousand timers are added and cancelled in any order") {
    std::deque<Node> nodes(100'000);
    DeadlineHeap<Node> heap;
    std::mt19937 random{7};
    std::uint64_t serial = 0;
    for (Node& node : nodes) {
        node.serial = ++serial;
        heap.arm(node, at(std::uniform_int_distribution<std::int64_t>{0, 1'000'000}(random)));
    }
    std::vector<std::size_t> all(nodes.size());
    for (std::size_t i = 0; i < all.size(); ++i) all[i] = i;
    std::shuffle(all.begin(), all.end(), random);
    for (std::size_t i = 0; i < all.size() / 2; ++i) heap.disarm(nodes[all[i]]);
    std::size_t left = 0;
    for (Clock::time_point last{}; Node* const node = heap.earliest(); ++left) {
        REQUIRE_GE(node->due, last);
        last = node->due;
        heap.disarm(*node);
    }
    CHECK_EQ(left, nodes.size() / 2);
}
