// T9 and T13 of the catalogue: the wheel of deadlines against a sorted model, over all of time;
// what it wakes for, and what putting off moves.

#include "deadline_wheel.hpp"

#include <doctest/doctest.h>

#include <deque>
#include <numeric>
#include <random>
#include <set>
#include <vector>

using namespace pollux;
using namespace std::chrono_literals;

namespace {

struct Node {
    Node* next = nullptr;
    Node** link = nullptr;
    Clock::time_point due{};
    std::uint64_t serial = 0;
    std::uint64_t order() const noexcept { return serial; }
};
using Wheel = DeadlineWheel<Node>;

Clock::time_point at(Clock::duration since_boot) { return Clock::time_point{since_boot}; }

// In a row, each for the time that `due` gives.
template <class Due> void arm_all(Wheel& wheel, std::deque<Node>& nodes, Due due) {
    std::uint64_t serial = 0;
    for (Node& node : nodes) {
        node.serial = ++serial;
        wheel.arm(node, due(node));
    }
}

std::vector<Node*> taken_at(Wheel& wheel, Clock::time_point now) {
    std::vector<Node*> taken;
    while (Node* const node = wheel.take(now)) taken.push_back(node);
    return taken;
}

// Any power of two away, or near one: where digits change.
class Distances {
public:
    explicit Distances(unsigned seed) : random_{seed} {}
    std::uint64_t up_to(std::uint64_t most) {
        return std::uniform_int_distribution<std::uint64_t>{0, most}(random_);
    }
    Clock::duration next(unsigned most_bits) {
        const std::uint64_t power = std::uint64_t{1} << up_to(most_bits);
        switch (up_to(3)) {
        case 0:
            return as_duration(power);
        case 1:
            return as_duration(power - 1);
        case 2:
            return as_duration(power + up_to(3));
        default:
            return as_duration(up_to(power));
        }
    }

private:
    static Clock::duration as_duration(std::uint64_t count) {
        return Clock::duration{static_cast<std::int64_t>(count)};
    }
    std::mt19937_64 random_;
};

// The same operations on a wheel and on a sorted set.
class Played {
public:
    Played(unsigned seed, std::size_t nodes, Clock::time_point start)
        : distances_{seed}, nodes_(nodes), now_{start} {}

    void step() {
        Node& node = nodes_[distances_.up_to(nodes_.size() - 1)];
        const std::uint64_t what = distances_.up_to(9);
        if (what <= 4) arm(node, later(now_, distances_.next(62)));
        if (what == 5) arm(node, later(now_, -distances_.next(62)));
        if (what == 6) arm(node, later(node.due, distances_.next(40)));
        if (what == 7) {
            forget(node);
            wheel_.disarm(node);
        }
        if (what == 8) now_ = later(now_, distances_.next(45));
        if (what == 9 && !wheel_.empty()) now_ = std::max(now_, wheel_.next_due());
        if (what >= 8) compare();
        REQUIRE_EQ(wheel_.empty(), model_.empty());
        if (model_.empty()) return;
        REQUIRE_LE(wheel_.next_due(), model_.begin()->first);
        if (model_.size() <= 8) REQUIRE_EQ(wheel_.next_due(), model_.begin()->first);
    }

private:
    void forget(Node& node) {
        REQUIRE_EQ(Wheel::is_armed(node), model_.erase({node.due, &node}) == 1);
    }
    void arm(Node& node, Clock::time_point due) {
        forget(node);
        node.serial = ++serial_;
        wheel_.arm(node, due);
        REQUIRE_EQ(node.due, due);
        model_.emplace(due, &node);
    }
    void compare() {
        std::vector<Node*> expected;
        while (!model_.empty() && model_.begin()->first <= now_) {
            expected.push_back(model_.begin()->second);
            model_.erase(model_.begin());
        }
        REQUIRE_EQ(taken_at(wheel_, now_), expected);
    }

    struct Earlier {
        using Entry = std::pair<Clock::time_point, Node*>;
        bool operator()(const Entry& a, const Entry& b) const {
            if (a.first != b.first) return a.first < b.first;
            return a.second->serial < b.second->serial;
        }
    };

    Distances distances_;
    std::deque<Node> nodes_;
    Wheel wheel_;
    std::set<Earlier::Entry, Earlier> model_;
    std::uint64_t serial_ = 0;
    Clock::time_point now_;
};

std::vector<std::size_t> shuffled(std::size_t count, std::mt19937_64& random) {
    std::vector<std::size_t> order(count);
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::ranges::shuffle(order, random);
    return order;
}

} // namespace

TEST_CASE("T1 the wheel gathers what a sorted set does, at any time and however far away") {
    for (unsigned seed = 1; seed <= 80; ++seed) {
        CAPTURE(seed);
        const std::size_t nodes = seed % 4 == 0 ? 5 : 40 * seed;
        Played played{seed, nodes, at(Clock::duration{std::int64_t{seed} << seed % 50})};
        for (int step = 0; step < 2'000; ++step) played.step();
    }
}

TEST_CASE("T1 the end of time, and what comes before all time") {
    Wheel wheel;
    Node first;
    Node last;
    wheel.arm(last, Clock::time_point::max());
    wheel.arm(first, Clock::time_point::min());
    CHECK_EQ(wheel.next_due(), Clock::time_point::min());
    CHECK_EQ(taken_at(wheel, at(0ns)), std::vector{&first});
    CHECK_EQ(wheel.next_due(), Clock::time_point::max());
    CHECK(taken_at(wheel, Clock::time_point::max() - 1ns).empty());
    CHECK_EQ(taken_at(wheel, Clock::time_point::max()), std::vector{&last});
    CHECK(wheel.empty());
}

TEST_CASE("T3 what is due can be disarmed, put off and put aside while others are taken") {
    Wheel wheel;
    std::deque<Node> nodes(6);
    arm_all(wheel, nodes, [](const Node&) { return at(1ms); });
    CHECK_EQ(wheel.take(at(1ms)), &nodes[0]);
    CHECK_EQ(wheel.next_due(), at(1ms));
    wheel.disarm(nodes[1]);
    wheel.disarm(nodes[3]);
    wheel.arm(nodes[4], at(1h));
    wheel.disarm(nodes[5]);
    CHECK_EQ(wheel.take(at(1ms)), &nodes[2]);
    wheel.put_aside(nodes[2]);
    CHECK(Wheel::is_armed(nodes[2]));
    CHECK_EQ(wheel.take(at(1ms)), nullptr);
    CHECK_EQ(wheel.next_due(), at(1ms));
    wheel.end_round();
    CHECK_EQ(taken_at(wheel, at(1ms)), std::vector{&nodes[2]});
    CHECK_EQ(wheel.next_due(), at(1h));
    CHECK_EQ(taken_at(wheel, at(1h)), std::vector{&nodes[4]});
    CHECK(wheel.empty());
}

TEST_CASE("T3 what is put off while others are taken does not hide what is due still") {
    Wheel wheel;
    std::deque<Node> nodes(4);
    arm_all(wheel, nodes, [](const Node&) { return at(1ms); });
    CHECK_EQ(wheel.take(at(1ms)), &nodes[0]);
    wheel.arm(nodes[1], at(1h));
    CHECK_EQ(wheel.next_due(), at(1ms));
    CHECK_EQ(wheel.take(at(1ms)), &nodes[2]);
    wheel.put_aside(nodes[2]);
    wheel.put_aside(nodes[0]);
    wheel.arm(nodes[3], at(2h));
    wheel.arm(nodes[0], at(3h));
    CHECK_EQ(wheel.next_due(), at(1ms)); // of the one that is aside
    wheel.arm(nodes[2], at(4h));
    CHECK_EQ(wheel.next_due(), at(1h));
    wheel.end_round();
    CHECK_EQ(taken_at(wheel, at(4h)), std::vector{&nodes[1], &nodes[3], &nodes[0], &nodes[2]});
}

TEST_CASE("T13 putting off a deadline a hundred thousand times moves nothing") {
    std::deque<Node> nodes(1'000);
    Wheel wheel;
    std::vector<Node**> links;
    arm_all(wheel, nodes, [](const Node& node) { return at(1s + 1us * node.serial); });
    for (const Node& node : nodes) links.push_back(node.link);
    for (int round = 1; round <= 100; ++round)
        for (Node& node : nodes) wheel.arm(node, at(10s + round * 1s + 1us * node.serial));
    for (std::size_t i = 0; i < nodes.size(); ++i) REQUIRE_EQ(nodes[i].link, links[i]);
    CHECK(taken_at(wheel, at(109s)).empty());
    const std::vector<Node*> all = taken_at(wheel, at(111s));
    REQUIRE_EQ(all.size(), nodes.size());
    for (std::size_t i = 0; i < nodes.size(); ++i) REQUIRE_EQ(all[i], &nodes[i]);
    CHECK(wheel.empty());
}

TEST_CASE("T13 a hundred thousand timers are added and cancelled in any order") {
    std::deque<Node> nodes(100'000);
    Wheel wheel;
    std::mt19937_64 random{7};
    std::uniform_int_distribution<std::int64_t> microseconds{0, 1'000'000};
    arm_all(wheel, nodes, [&](const Node&) { return at(microseconds(random) * 1us); });
    const std::vector<std::size_t> all = shuffled(nodes.size(), random);
    for (std::size_t i = 0; i < all.size() / 2; ++i) wheel.disarm(nodes[all[i]]);
    const std::vector<Node*> left = taken_at(wheel, at(1s));
    CHECK_EQ(left.size(), nodes.size() / 2);
    CHECK(std::ranges::is_sorted(left, {}, [](const Node* node) { return node->due; }));
    CHECK(wheel.empty());
}

TEST_CASE(
    "T9 of timers that are few none wakes before its time, whatever was put off or cancelled") {
    std::deque<Node> nodes(8);
    Wheel wheel;
    Node gone;
    wheel.arm(gone, at(1s));
    for (Node& node : nodes) wheel.arm(node, at(1s + 1h));
    for (Node& node : nodes) wheel.arm(node, at(2h));
    CHECK_EQ(wheel.next_due(), at(1s));
    wheel.disarm(gone);
    CHECK_EQ(wheel.next_due(), at(2h));
    for (Node& node : nodes) wheel.disarm(node);
    CHECK(wheel.empty());
}

// A crowd far away is woken for at the begin of its slot, of those in that slot, and so on.
TEST_CASE("T9 of timers that are many: few wake-ups for nothing") {
    for (const Clock::duration spread : std::vector<Clock::duration>{1us, 1ms, 1s, 1h}) {
        CAPTURE(spread.count());
        std::deque<Node> nodes(10'000);
        Wheel wheel;
        std::mt19937_64 random{3};
        std::uniform_int_distribution<std::int64_t> any{0, spread.count()};
        for (Node& node : nodes) wheel.arm(node, at(10h + Clock::duration{any(random)}));
        int in_vain = 0;
        int turns = 0;
        for (Clock::time_point now; !wheel.empty(); ++turns) {
            REQUIRE_GE(wheel.next_due(), now);
            now = wheel.next_due();
            if (taken_at(wheel, now).empty()) ++in_vain;
        }
        CHECK_LE(in_vain, 10 + turns / 6);
    }
}

// A sorted list of all would be searched by each.
TEST_CASE("T13 connections that put off the oldest deadline in turn cost no search") {
    constexpr std::size_t count = 100'000;
    std::deque<Node> nodes(count);
    Wheel wheel;
    Clock::time_point now = at(1h);
    for (Node& node : nodes) wheel.arm(node, (now += 10us) + 60s);
    for (int round = 0; round < 5; ++round)
        for (Node& node : nodes) {
            wheel.arm(node, (now += 500us) + 60s);
            if (wheel.next_due() <= now) REQUIRE(taken_at(wheel, now).empty());
            REQUIRE_GT(wheel.next_due(), now);
        }
    CHECK_EQ(taken_at(wheel, now + 60s).size(), count);
}

// Each was the earliest: to look for the next among all of them would take minutes.
TEST_CASE("T13 a crowd that is due now, or was long ago, is disarmed or put off one by one") {
    constexpr std::size_t count = 100'000;
    for (const Clock::duration apart : std::vector<Clock::duration>{0ns, 1ns})
        for (const bool put_off : {false, true}) {
            std::deque<Node> nodes(count);
            Wheel wheel;
            wheel.set_out(at(1h));
            Clock::time_point due = at(1h) - count * apart;
            for (Node& node : nodes) wheel.arm(node, due += apart);
            for (std::size_t i = 0; i < count; ++i) {
                REQUIRE_LE(wheel.next_due(), nodes[i].due);
                if (put_off)
                    wheel.arm(nodes[i], at(2h));
                else
                    wheel.disarm(nodes[i]);
            }
            CHECK_EQ(wheel.empty(), !put_off);
            if (!put_off) continue;
            CHECK(taken_at(wheel, at(1h)).empty());
            CHECK_GT(wheel.next_due(), at(1h));
            CHECK_EQ(taken_at(wheel, at(2h)).size(), count);
        }
}

TEST_CASE("T3 what was put aside and put off is due before what was looked for meanwhile") {
    Wheel wheel;
    std::deque<Node> nodes(3);
    wheel.arm(nodes[0], at(10us));
    wheel.arm(nodes[1], at(10us));
    CHECK_NE(wheel.take(at(10us)), nullptr);
    CHECK_NE(wheel.take(at(10us)), nullptr);
    wheel.put_aside(nodes[0]);
    wheel.put_aside(nodes[1]);
    wheel.arm(nodes[2], at(30us));
    CHECK_EQ(wheel.take(at(10us)), nullptr);
    wheel.arm(nodes[1], at(20us));
    CHECK_EQ(wheel.next_due(), at(10us)); // of the one that is aside
    CHECK_EQ(wheel.take(at(25us)), &nodes[1]);
}
