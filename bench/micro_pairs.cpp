// What bench/micro runs: the contestants of one facility in short turns of each other, in random
// order within a round, so that their times pair. One line of JSON a sample. With --only, nothing
// but so many turns of one contestant, for a tool that counts instructions.

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <map>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "contestants.hpp"
#include "turn_time.hpp"

namespace {

using namespace contest;

const char* const usage = R"(micro_pairs [option …]
  --backend select|poll|epoll    (epoll; adaptive, io_uring with --only)
  --watched N --active M         (1000, 16)
  --rounds R                     (5)
  --milliseconds T               how long each contestant runs in a round (5)
  --seed S                       of the order (1)
  --only bare|seam|loop|run --turns K   make K turns of one contestant and print nothing
)";

struct Options {
    std::map<std::string, std::string, std::less<>> values{
        {"--backend", "epoll"},  {"--watched", "1000"}, {"--active", "16"}, {"--rounds", "5"},
        {"--milliseconds", "5"}, {"--seed", "1"},       {"--only", ""},     {"--turns", "1000"}};

    const std::string& text(std::string_view name) const { return values.find(name)->second; }
    std::uint64_t number(std::string_view name) const { return std::stoull(text(name)); }
};

Options parse(int argc, char** argv) {
    Options options;
    for (int i = 1; i < argc; i += 2) {
        const auto option = options.values.find(std::string_view{argv[i]});
        if (option == options.values.end() || i + 1 == argc)
            throw std::invalid_argument{std::string{argv[i]} + "\n" + usage};
        option->second = argv[i + 1];
    }
    return options;
}

struct Entry {
    std::string_view name;
    std::unique_ptr<Contestant> contestant;
};

// The bare loop takes part twice: its ratio to itself is what chance alone does.
std::vector<Entry> make_entries(pollux::Backend backend, std::span<const int> fds,
                                std::uint64_t* counter) {
    std::vector<Entry> entries;
    for (const Kind kind : kinds)
        entries.push_back({to_string(kind), make_contestant(kind, backend, fds, counter)});
    entries.push_back({"bare again", make_contestant(Kind::bare, backend, fds, counter)});
    return entries;
}

void run_pairs(const Options& options) {
    const auto backend = pollux::parse_backend(options.text("--backend"));
    const auto active = options.number("--active");
    const Descriptors descriptors{options.number("--watched"), active};
    std::uint64_t calls = 0;
    auto entries = make_entries(backend, descriptors.all(), &calls);
    for (const Entry& entry : entries) entry.contestant->run(10);
    const auto nanoseconds =
        static_cast<std::int64_t>(options.number("--milliseconds")) * 1'000'000;
    const std::uint64_t turns = turns_for(*entries[0].contestant, nanoseconds);
    std::mt19937_64 random{options.number("--seed")};
    for (std::uint64_t round = 1; round <= options.number("--rounds"); ++round) {
        std::shuffle(entries.begin(), entries.end(), random);
        for (const Entry& entry : entries) {
            calls = 0;
            const std::int64_t time = time_of(*entry.contestant, turns);
            if (calls != turns * active)
                throw std::runtime_error{std::string{entry.name} + " missed events"};
            std::cout << R"({"round": )" << round << R"(, "contestant": ")" << entry.name
                      << R"(", "turns": )" << turns << R"(, "events": )" << calls
                      << R"(, "cpu_ns": )" << time << "}\n";
        }
    }
}

void run_only(const Options& options) {
    const auto backend = pollux::parse_backend(options.text("--backend"));
    const Descriptors descriptors{options.number("--watched"), options.number("--active")};
    std::uint64_t calls = 0;
    const auto kind = parse_kind(options.text("--only"));
    make_contestant(kind, backend, descriptors.all(), &calls)->run(options.number("--turns"));
}

} // namespace

int main(int argc, char** argv) {
    try {
        const Options options = parse(argc, argv);
        options.text("--only").empty() ? run_pairs(options) : run_only(options);
        return 0;
    } catch (const std::exception& error) {
        std::cerr << "micro_pairs: " << error.what() << '\n';
        return 2;
    }
}
