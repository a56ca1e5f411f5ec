// Exploration by itself, on toy programs that ask for all that varies in them.

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <deque>
#include <pollux/instruments/explore.hpp>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

using namespace pollux;

namespace {

// Two of these that take turns in any order lose an addition.
class Adder {
public:
    bool is_done() const { return step_ == 2; }
    void step(int& shared) {
        if (step_++ == 0)
            seen_ = shared;
        else
            shared = seen_ + 1;
    }

private:
    int step_ = 0;
    int seen_ = 0;
};

void two_additions(Choices& choices) {
    int shared = 0;
    std::vector<Adder> adders(2);
    while (true) {
        std::vector<Adder*> busy;
        for (Adder& adder : adders)
            if (!adder.is_done()) busy.push_back(&adder);
        if (busy.empty()) break;
        busy[choices.choose("who goes on", busy.size())]->step(shared);
    }
    if (shared != 2) throw std::runtime_error{"an addition is lost"};
}

// A ring of four places. Who pops forgets to wrap after the fifth.
class Ring {
public:
    void push(int value) { places_.at(end_++ % places_.size()) = value; }
    int pop() {
        const std::size_t place = begin_++;
        return place <= places_.size() ? places_.at(place % places_.size()) : places_.front();
    }
    std::size_t size() const { return end_ - begin_; }

private:
    std::array<int, 4> places_{};
    std::size_t begin_ = 0;
    std::size_t end_ = 0;
};

// A script made by choices, against a model.
void ring_script(Choices& choices) {
    Ring ring;
    std::deque<int> model;
    std::string script;
    while (choices.choose("one more step", 40) != 0) {
        const bool push = choices.choose("push or pop", 2) == 0;
        if (push && ring.size() < 4) {
            const auto value = static_cast<int>(choices.choose("value", 100));
            ring.push(value);
            model.push_back(value);
            script += " push " + std::to_string(value);
        } else if (!push && !model.empty()) {
            const int wanted = model.front();
            model.pop_front();
            script += " pop";
            if (ring.pop() != wanted) throw std::runtime_error{script};
        }
    }
}

std::size_t count_of(std::string_view word, std::string_view text) {
    std::size_t count = 0;
    for (std::size_t at = 0; (at = text.find(word, at)) != text.npos; at += word.size()) ++count;
    return count;
}

} // namespace

TEST_CASE("Exploring tries every run that there is, each once") {
    std::multiset<std::string> runs;
    const Exploration found = explore({}, [&](Choices& choices) {
        std::string run;
        const std::size_t more = choices.choose("how many", 3);
        for (std::size_t i = 0; i < more; ++i) run += "abc"[choices.choose("which", 3)];
        choices.choose("no question", 1);
        runs.insert(run);
    });
    CHECK(found.all);
    CHECK(found.runs == 1 + 3 + 9);
    CHECK(runs.size() == 13);
    CHECK(std::set(runs.begin(), runs.end()).size() == 13);
    CHECK(found.most_choices == 3);
    CHECK(found.report() == "13 runs, all there are; up to 3 choices in one");
}

TEST_CASE("A bound of departures leaves the runs near the plain one") {
    const auto runs_with = [](std::size_t departures) {
        const Exploration found =
            explore({.departures = departures, .random_runs = 0}, [](Choices& choices) {
                for (int i = 0; i < 20; ++i) choices.choose("side", 2);
            });
        CHECK(found.all);
        CHECK(found.departures == departures);
        return found.runs;
    };
    CHECK(runs_with(0) == 1);
    CHECK(runs_with(1) == 1 + 20);
    CHECK(runs_with(2) == 1 + 20 + 190);
}

TEST_CASE("Runs with few departures come first, and are complete as far as was counted") {
    std::vector<std::size_t> departures;
    const Exploration found =
        explore({.exhaustive_runs = 50, .random_runs = 0}, [&](Choices& choices) {
            std::size_t odd = 0;
            for (int i = 0; i < 12; ++i) odd += choices.choose("side", 2);
            departures.push_back(odd);
        });
    CHECK_FALSE(found.all);
    CHECK(found.departures == 1);
    CHECK(std::ranges::is_sorted(departures));
    CHECK(std::ranges::count(departures, 1U) == 12);
    CHECK(departures.back() == 2);
}

TEST_CASE("Above the limit runs are random, and a second exploration makes the same ones") {
    const auto history = [] {
        std::vector<std::size_t> sums;
        const Exploration found =
            explore({.exhaustive_runs = 10, .random_runs = 30, .seed = 5}, [&](Choices& choices) {
                std::size_t sum = 0;
                for (int i = 0; i < 50; ++i) sum += choices.choose("side", 2);
                sums.push_back(sum);
            });
        CHECK_FALSE(found.all);
        CHECK(found.runs == 40);
        return sums;
    };
    const std::vector<std::size_t> first = history();
    CHECK(first == history());
    CHECK(std::ranges::max(first) > 15);
}

TEST_CASE("An interleaving that loses an addition is found, and shrunk to one switch") {
    const Exploration found = explore({}, two_additions);
    REQUIRE(found.failure.has_value());
    CHECK(found.failure->what == "an addition is lost");
    CHECK(found.failure->choices == "1");
    CHECK(found.failure->story == "choice 0: who goes on: 1 of 0 to 1\n");
    CHECK_THROWS_WITH(replay("1", two_additions), "an addition is lost");
    CHECK_NOTHROW(replay("", two_additions));
}

TEST_CASE("A failing script loses the steps that do not matter") {
    const Exploration found = explore({.exhaustive_runs = 0}, ring_script);
    REQUIRE(found.failure.has_value());
    CHECK(found.failure->seed.has_value());
    CHECK(count_of("push", found.failure->what) == 6); // fewer do not show it
    CHECK(count_of("pop", found.failure->what) == 6);
    CHECK(count_of("push 0", found.failure->what) == 5);
    CHECK(count_of("push 1", found.failure->what) == 1);
    CHECK_THROWS_WITH(replay(found.failure->choices, ring_script), found.failure->what.c_str());
}

TEST_CASE("A trial that varies by itself is refused") {
    std::size_t runs = 0;
    CHECK_THROWS_AS(explore({},
                            [&](Choices& choices) {
                                choices.choose("steady", 2);
                                choices.choose("not steady", 2 + runs++ % 2);
                                choices.choose("steady", 2);
                            }),
                    std::logic_error);
}

TEST_CASE("A failure that does not come again is told with what it said") {
    bool once = false;
    const Exploration found = explore({}, [&](Choices& choices) {
        choices.choose("side", 2);
        if (!std::exchange(once, true)) throw std::runtime_error{"the first run only"};
    });
    REQUIRE(found.failure.has_value());
    CHECK(found.failure->what == "the first run only (only sometimes)");
}

TEST_CASE("A failure that has a story of its own is told with it") {
    const Exploration found = explore({}, [](Choices& choices) {
        if (choices.choose("side", 3) == 2) throw TrialFailure{"fell over", "it went there\n"};
    });
    REQUIRE(found.failure.has_value());
    CHECK(found.report() ==
          "3 runs; up to 1 choices in one. The last failed; made simpler in 4 more:\n"
          "fell over\n"
          "again by replay(\"2\")\n"
          "it went there\n"
          "choice 0: side: 2 of 0 to 2\n");
}

TEST_CASE("After the limit of a run every choice is plain, so that it ends") {
    const Exploration found = explore(
        {.exhaustive_runs = 0, .random_runs = 20, .choices_in_a_run = 100}, [](Choices& choices) {
            while (choices.choose("stop", 2) == 1 || choices.choose("really", 10) != 0) {
            }
        });
    CHECK_FALSE(found.failure.has_value());
    CHECK(found.most_choices <= 100);
}

TEST_CASE("Runs that were cut at the limit are not all there are") {
    const auto found = [](std::size_t limit) {
        return explore({.random_runs = 0, .choices_in_a_run = limit}, [](Choices& choices) {
            for (int i = 0; i < 3; ++i) choices.choose("side", 2);
        });
    };
    CHECK(found(3).all);
    CHECK_FALSE(found(2).all);
    CHECK(found(2).runs == 4);
}
