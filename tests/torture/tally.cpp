#include "torture/tally.hpp"

#include <cstdio>
#include <map>
#include <pollux/reactor.hpp>
#include <string>
#include <utility>

namespace pollux_test {
namespace {

void print(const char* scenario, const char* mode, const Tally& tally) {
    std::printf("%-32s %-16s %8llu %8llu %8llu %8llu\n", scenario, mode,
                static_cast<unsigned long long>(tally.runs),
                static_cast<unsigned long long>(tally.faults),
                static_cast<unsigned long long>(tally.right),
                static_cast<unsigned long long>(tally.reported));
}

// Printed when the program ends, whichever test cases it ran.
struct Table {
    ~Table() {
        if (rows.empty()) return;
        std::printf("\n%-32s %-16s %8s %8s %8s %8s\n", "scenario", "mode", "runs", "faults", "done",
                    "error");
        Tally all;
        for (const auto& [place, tally] : rows) {
            print(place.first.c_str(), place.second.c_str(), tally);
            all.runs += tally.runs;
            all.faults += tally.faults;
            all.right += tally.right;
            all.reported += tally.reported;
        }
        print("all", "", all);
    }
    std::map<std::pair<std::string, std::string>, Tally> rows;
};

Table& table() {
    static Table only;
    return only;
}

} // namespace

void Tally::count(std::uint64_t injected, bool was_right) noexcept {
    ++runs;
    faults += injected;
    ++(was_right ? right : reported);
}

void add_to_table(std::string_view scenario, const Mode& mode, const Tally& tally) {
    std::string name{to_string(mode.backend)};
    name.append(" ").append(to_string(mode.trigger));
    Tally& row = table().rows[{std::string{scenario}, name}];
    row.runs += tally.runs;
    row.faults += tally.faults;
    row.right += tally.right;
    row.reported += tally.reported;
}

} // namespace pollux_test
