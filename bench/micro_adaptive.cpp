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
#include <utility>
#include <vector>

#include "contestants.hpp"
#include "turn_time.hpp"

namespace {

using namespace contest;

constexpr std::uint64_t turns_to_find_back = 100;

struct Entry {
    std::string_view name;
    std::unique_ptr<Contestant> contestant;
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
                                make_contestant(Kind::loop, backend, descriptors_.all(), &calls_)});
    }

    void round(std::vector<std::size_t> activities, std::int64_t nanoseconds) {
        std::shuffle(activities.begin(), activities.end(), random_);
        for (const std::size_t active : activities) cell(active, nanoseconds);
    }

private:
    void cell(std::size_t active, std::int64_t nanoseconds) {
        descriptors_.activate(active);
        std::shuffle(entries_.begin(), entries_.end(), random_);
        for (const Entry& entry : entries_) entry.contestant->run(turns_to_find_back);
        for (const Entry& entry : entries_) {
            // Where one of two thousand is ready, poll takes 200 times as long as epoll.
            auto& turns = turns_[{active, entry.name}];
            if (turns == 0) turns = turns_for(*entry.contestant, nanoseconds);
            calls_ = 0;
            const std::int64_t time = time_of(*entry.contestant, turns);
            if (calls_ != turns * active)
                throw std::runtime_error{std::string{entry.name} + " missed events"};
            std::cout << R"({"watched": )" << descriptors_.all().size() << R"(, "active": )"
                      << active << R"(, "contestant": ")" << entry.name << R"(", "turns": )"
                      << turns << R"(, "cpu_ns": )" << time << "}\n";
        }
    }

    std::uint64_t calls_ = 0;
    Descriptors descriptors_;
    std::mt19937_64 random_;
    std::vector<Entry> entries_;
    std::map<std::pair<std::size_t, std::string_view>, std::uint64_t> turns_; // that take so long
};

void run(const std::vector<std::string>& words) {
    const auto number = [&](std::size_t place, std::uint64_t otherwise) {
        return words.size() > place ? std::stoull(words[place]) : otherwise;
    };
    if (words.size() < 2) throw std::invalid_argument{"say WATCHED and ACTIVE,ACTIVE,…"};
    Grid grid{number(0, 0), number(4, 1)};
    for (std::uint64_t rounds = number(2, 5); rounds > 0; --rounds)
        grid.round(numbers(words[1]), static_cast<std::int64_t>(number(3, 5)) * 1'000'000);
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
