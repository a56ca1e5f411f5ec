// D16 of the catalogue, with the simulated kernel as the fourth: random operations give the same
// history on select, poll and epoll of the real kernel and on those of the simulated one.
//
// Method: a script is run on the simulated kernel first. After every operation it is written down
// what the call answered, what poll(2) says of every descriptor, and what each reactor reports.
// Then the real kernel runs the same script, and must come to the same after every operation. It is
// given time for it, because TCP delivers when it can. How much room a full TCP socket has left,
// and when it has room again, is up to the kernel's memory and its moment; so a difference counts
// only if it is there again: a script that differs is run anew, and what the simulation does wrong
// it does wrong each time.
//
// POLLUX_OPERATIONS says how many operations in each mode (20 000 unless told), POLLUX_SEED where
// to begin. A failure prints the seed of its script, which alone repeats it, and the last
// operations.

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <pollux/instruments/simulation.hpp>
#include <random>
#include <string>

#include "simulation/scripted_side.hpp"
#include "support/descriptor_ledger.hpp"

using namespace pollux;
using namespace pollux_test;

namespace {

constexpr std::size_t operations_of_script = 1000;

std::uint64_t number_from_environment(const char* name, std::uint64_t otherwise) {
    const char* const text = std::getenv(name);
    return text != nullptr && *text != '\0' ? std::strtoull(text, nullptr, 10) : otherwise;
}

std::vector<Operation> script_of(std::uint64_t seed) {
    using Kind = Operation::Kind;
    static constexpr std::array kinds{
        Kind::add,    Kind::add,   Kind::add,   Kind::modify, Kind::modify,      Kind::modify,
        Kind::remove, Kind::write, Kind::write, Kind::write,  Kind::write,       Kind::read,
        Kind::read,   Kind::read,  Kind::fill,  Kind::drain,  Kind::drain,       Kind::take_urgent,
        Kind::shut,   Kind::close, Kind::reset, Kind::renew,  Kind::send_urgent, Kind::renew};
    std::mt19937_64 random{seed};
    std::vector<Operation> script(operations_of_script);
    for (Operation& operation : script)
        operation = {.kind = kinds.at(random() % kinds.size()),
                     .end = random() % ScriptedSide::ends,
                     .argument = random()};
    return script;
}

std::vector<Found> run_simulated(const std::vector<Operation>& script,
                                 const std::vector<Backend>& backends, Trigger trigger) {
    SeededChoices choices{1};
    const Simulation simulation{choices, {.vary = Variations::none(), .send_buffer = 212'992}};
    ScriptedSide side{backends, trigger};
    std::vector<Found> history;
    history.reserve(script.size());
    for (const Operation& operation : script) history.push_back(side.step(operation, nullptr));
    return history;
}

// What was done with the pair that is told of differently, and what the simulation answered.
std::string last_operations(const std::vector<Operation>& script,
                            const std::vector<Found>& expected, const Found& found,
                            std::size_t last) {
    std::size_t pair = script.at(last).end / 2;
    for (std::size_t end = 0; end < found.states.size(); ++end)
        if (found.states.at(end) != expected.at(last).states.at(end)) pair = end / 2;
    std::vector<std::string> lines;
    for (std::size_t place = 0; place <= last; ++place) {
        if (script.at(place).end / 2 != pair) continue;
        if (script.at(place).kind == Operation::Kind::renew) lines.clear();
        lines.push_back("\n  " + text_of(script.at(place)) + ": " +
                        std::to_string(expected.at(place).result));
    }
    std::string text;
    for (const std::string& line : lines) text += line;
    return text;
}

/// What came of the scripts of one mode.
struct Tally {
    std::size_t reports = 0;
    std::size_t extra = 0; // of the real kernel alone
    std::size_t anew = 0;  // scripts that differed and then did not
};

// Empty, or what was told differently.
std::string difference(std::uint64_t seed, const std::vector<Backend>& backends, Trigger trigger,
                       Tally& tally) {
    const auto script = script_of(seed);
    const auto expected = run_simulated(script, backends, trigger);
    ScriptedSide real{backends, trigger};
    for (std::size_t step = 0; step < script.size(); ++step) {
        const Found found = real.step(script[step], &expected[step]);
        if (!agree(expected[step], found, trigger, tally.extra))
            return "POLLUX_SEED=" + std::to_string(seed) + " POLLUX_OPERATIONS=1, operation " +
                   std::to_string(step) + "\n  simulated: " + text_of(expected[step]) +
                   "\n  real:      " + text_of(found) +
                   last_operations(script, expected, found, step);
        for (const auto& reported : found.reports) tally.reports += reported.size();
    }
    return {};
}

void compare(std::uint64_t seed, const std::vector<Backend>& backends, Trigger trigger,
             Tally& tally) {
    constexpr int tries = 3;
    for (int left = tries; left > 0; --left) {
        const std::string different = difference(seed, backends, trigger, tally);
        if (different.empty()) return;
        MESSAGE(different);
        REQUIRE(left > 1);
        if (left == tries) ++tally.anew;
    }
}

void compare_all(const std::vector<Backend>& backends, Trigger trigger) {
    const DescriptorLedger ledger;
    const std::uint64_t operations = number_from_environment("POLLUX_OPERATIONS", 20'000);
    const std::uint64_t first_seed = number_from_environment("POLLUX_SEED", 1);
    std::uint64_t scripts = 0;
    Tally tally;
    for (; scripts * operations_of_script < operations; ++scripts)
        compare(first_seed + scripts, backends, trigger, tally);
    const std::uint64_t all = scripts * operations_of_script;
    MESSAGE(all << " operations, " << tally.reports << " reports alike, " << tally.extra
                << " more from the real kernel, " << tally.anew << " of " << scripts
                << " scripts run anew");
    CHECK_LE(tally.extra * 50, tally.reports);
    CHECK_LE(tally.anew, 1 + scripts / 20);
    CHECK_GT(tally.reports, all / 50); // a script that sees nothing would agree too
}

} // namespace

TEST_CASE("D16 the simulated kernel tells the story of the real one, level") {
    compare_all({Backend::select, Backend::poll, Backend::epoll}, Trigger::level);
}

TEST_CASE("D16 the simulated kernel tells the story of the real one, one-shot") {
    compare_all({Backend::select, Backend::poll, Backend::epoll}, Trigger::one_shot);
}

TEST_CASE("D16 the simulated kernel tells the story of the real one, edge") {
    compare_all({Backend::epoll}, Trigger::edge);
}
