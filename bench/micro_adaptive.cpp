// What bench/aims runs for its row “adaptive”: the event loop on poll, epoll and adaptive, over the
// same descriptors, whose activity changes from cell to cell in random order. So each cell is also
// a change of activity: the contestants get 100 turns to find back, and then are timed in short
// turns of each other. One line of JSON a sample.
//
//     micro_adaptive WATCHED ACTIVE,ACTIVE,… [ROUNDS [MILLISECONDS [SEED]]]

#include <algorithm>
#include <cstdint>
#include <exception>
#include <iostream>
#include <map>
#include <memory>
#include <random>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "contestants.hpp"
#include "turn_time.hpp"

namespace {

using namespace contest;

constexpr std::uint64_t turns_to_find_back = 100;

struct Entry {
    std::string_view name;
    std::unique_ptr<Contestant> contestant;
    std::map<std::size_t, std::uint64_t> turns; // by activity
};

std::vector<std::size_t> numbers(const std::string& text) {
    std::vector<std::size_t> values;
    std::istringstream words{text};
    for (std::string word; std::getline(words, word, ',');) values.push_back(std::stoul(word));
    return values;
}

class Grid {
public:
    Grid(std::size_t watched, std::uint64_t seed) : descriptors_{watched, 0}, random_{seed} {
        for (const auto backend :
             {pollux::Backend::poll, pollux::Backend::epoll, pollux::Backend::adaptive})
            entries_.push_back({pollux::to_string(backend),
                                make_contestant(Kind::loop, backend, descriptors_.all(), &calls_),
                                {}});
    }

    // How many turns of each make the time: found before any is timed, since it takes turns too,
    // and a contestant that had more than a hundred of them would be tried at another thing.
    void prepare(const std::vector<std::size_t>& activities, std::int64_t nanoseconds) {
        for (const std::size_t active : activities) {
            descriptors_.activate(active);
            // Where one of two thousand is ready, poll takes 200 times as long as epoll.
            for (Entry& entry : entries_) {
                entry.contestant->run(turns_to_find_back);
                entry.turns[active] = turns_for(*entry.contestant, nanoseconds);
            }
        }
    }

    void round(std::vector<std::size_t> activities) {
        std::shuffle(activities.begin(), activities.end(), random_);
        for (const std::size_t active : activities) cell(active);
    }

private:
    void cell(std::size_t active) {
        descriptors_.activate(active);
        std::shuffle(entries_.begin(), entries_.end(), random_);
        for (const Entry& entry : entries_) entry.contestant->run(turns_to_find_back);
        for (Entry& entry : entries_) {
            const std::uint64_t turns = entry.turns[active];
            const std::int64_t time = time_of_events(*entry.contestant, turns, turns * active);
            std::cout << R"({"watched": )" << descriptors_.all().size() << R"(, "active": )"
                      << active << R"(, "contestant": ")" << entry.name << R"(", "turns": )"
                      << turns << R"(, "cpu_ns": )" << time << "}\n";
        }
    }

    // A wait on epoll reports a part when more is ready than a batch holds: what counts as a turn
    // is what tells of all.
    std::int64_t time_of_events(Contestant& contestant, std::uint64_t turns, std::uint64_t events) {
        calls_ = 0;
        std::int64_t time = time_of(contestant, turns);
        while (calls_ < events) time += time_of(contestant, 1);
        return time;
    }

    std::uint64_t calls_ = 0;
    Descriptors descriptors_;
    std::mt19937_64 random_;
    std::vector<Entry> entries_;
};

void run(const std::vector<std::string>& words) {
    const auto number = [&](std::size_t place, std::uint64_t otherwise) {
        return words.size() > place ? std::stoull(words[place]) : otherwise;
    };
    if (words.size() < 2) throw std::invalid_argument{"say WATCHED and ACTIVE,ACTIVE,…"};
    Grid grid{number(0, 0), number(4, 1)};
    const std::vector<std::size_t> activities = numbers(words[1]);
    grid.prepare(activities, static_cast<std::int64_t>(number(3, 5)) * 1'000'000);
    for (std::uint64_t rounds = number(2, 5); rounds > 0; --rounds) grid.round(activities);
}

} // namespace

int main(int argc, char** argv) {
    try {
        run({argv + 1, argv + argc});
        return 0;
    } catch (const std::exception& error) {
        std::cerr << "micro_adaptive: " << error.what() << '\n';
        return 2;
    }
}
