#include "exploring.hpp"

#include <chrono>
#include <cstdlib>
#include <iostream>
#include <map>
#include <stdexcept>
#include <string>

using namespace pollux;

namespace pollux_test {
namespace {

using Seconds = std::chrono::duration<double>;

// Printed when the program ends.
class Table {
public:
    Table() = default;
    Table(const Table&) = delete;
    Table& operator=(const Table&) = delete;
    ~Table() {
        for (const auto& [mode, row] : rows_)
            std::cout << "simulated runs on " << mode << ": " << row.cases << " cases, " << row.runs
                      << " runs, "
                      << static_cast<std::uint64_t>(static_cast<double>(row.runs) /
                                                    row.time.count())
                      << " a second\n";
    }

    void add(const Mode& mode, std::size_t runs, Seconds time) {
        Row& row = rows_[std::string{to_string(mode.backend)} + " " +
                         std::string{to_string(mode.trigger)}];
        ++row.cases;
        row.runs += runs;
        row.time += time;
    }

private:
    struct Row {
        std::size_t cases = 0;
        std::size_t runs = 0;
        Seconds time{};
    };
    std::map<std::string, Row> rows_;
};

std::uint64_t number_from_environment(const char* name, std::uint64_t otherwise) {
    const char* const text = std::getenv(name);
    return text != nullptr && *text != '\0' ? std::strtoull(text, nullptr, 10) : otherwise;
}

} // namespace

void expect(bool holds, std::string_view what) {
    if (!holds) throw std::runtime_error{std::string{what}};
}

Exploration check_all(const Mode& mode, const ExploreOptions& options, const Trial& trial) {
    static Table table;
    const auto begin = std::chrono::steady_clock::now();
    Exploration found = explore(options, trial);
    table.add(mode, found.runs + found.shrinking_runs, std::chrono::steady_clock::now() - begin);
    CHECK_MESSAGE(!found.failure, found.report());
    return found;
}

ExploreOptions thorough(std::size_t exhaustive_runs, std::size_t random_runs) {
    return {.exhaustive_runs = exhaustive_runs,
            .random_runs = number_from_environment("POLLUX_RUNS", random_runs),
            .seed = number_from_environment("POLLUX_SEED", 1)};
}

SimulationOptions small_scope(const Variations& vary) {
    return {.vary = vary, .most_calls = 20'000};
}

} // namespace pollux_test
