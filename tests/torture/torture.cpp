#include "torture/torture.hpp"

#include "support/descriptor_ledger.hpp"
#include "support/failing_memory.hpp"
#include "support/given_fault.hpp"
#include "torture/tally.hpp"
#include "torture/watchdog.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <optional>
#include <pollux/instruments/fault_injection.hpp>
#include <pollux/instruments/fault_plan.hpp>
#include <random>
#include <string>
#include <vector>

namespace pollux_test {

using namespace pollux;
using namespace std::string_view_literals;

namespace {

using Kind = Fault::Kind;

constexpr std::uint64_t lasting = 120; // calls: more than the turns of a run in a row
constexpr int most_failures = 3;       // in one case: the others are mostly the same again

// What would be a lie, and no fault: at edge a read of less than was asked for proves that there is
// no more (epoll(7), question 9).
bool is_lie(const Mode& mode, std::string_view call, const Fault& fault) {
    const bool reads = call.starts_with("recv") || call == "read" || call == "splice";
    return mode.is(Trigger::edge) && fault.kind == Kind::short_count && reads;
}

// What a ring waits for, nobody can tell from outside.
bool can_be_spurious(std::string_view call) {
    return call == "epoll_wait" || call == "epoll_pwait2" || call == "ppoll" || call == "pselect";
}

bool is_transfer(std::string_view call) {
    constexpr std::array all{"recv"sv,  "send"sv,     "recvmsg"sv, "sendmsg"sv,  "read"sv,
                             "write"sv, "sendfile"sv, "splice"sv,  "recvmmsg"sv, "sendmmsg"sv};
    return std::ranges::find(all, call) != all.end();
}

bool is_possible(std::string_view call, int error, const TortureOptions& options) {
    return std::string{call} + "=" + error_name(error) != options.impossible;
}

std::vector<Fault> faults_of(std::string_view call, const Mode& mode,
                             const TortureOptions& options) {
    std::vector<Fault> all;
    for (const int error : errors_of(call))
        if (is_possible(call, error, options)) all.push_back({.error = error});
    if (is_transfer(call))
        for (const std::size_t bytes : {1U, 50U})
            all.push_back({.kind = Kind::short_count, .bytes = bytes});
    if (can_be_spurious(call)) all.push_back({.kind = Kind::spurious});
    std::erase_if(all, [&](const Fault& fault) { return is_lie(mode, call, fault); });
    return all;
}

bool is_shortage(int error) {
    return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

FaultRule once(std::string_view call, std::uint64_t nth, const Fault& fault) {
    return {.call = std::string{call}, .first = nth, .last = nth, .fault = fault};
}

// All runs of one scenario in one mode.
class Torture {
public:
    Torture(const Mode& mode, std::string_view name, Scenario scenario,
            const TortureOptions& options)
        : mode_{mode}, name_{name}, scenario_{scenario}, options_{options} {}

    // The first run makes what is made once and stays: a table of the C library's.
    std::vector<CallsInReach> clean() {
        std::vector<CallsInReach> calls;
        for (int time = 0; time < 2; ++time) {
            const FaultInjection counting{FaultPlan{}};
            Trial trial{mode_, options_.fake_clock, budget_};
            scenario_(trial);
            budget_ = {.turns = trial.turns() + options_.more_turns};
            calls = counting.calls();
        }
        run({});
        return calls;
    }

    // Returns how many faults were injected.
    std::size_t run(const FaultPlan& plan) {
        const Watched watched{plan.to_string() + "' " + command()};
        const int descriptors = open_descriptors();
        const std::int64_t allocations = live_allocations();
        std::optional<FaultInjection> faults{plan};
        Trial trial{mode_, options_.fake_clock, budget_}; // may rest: it goes first
        scenario_(trial);
        trial.go_on();
        const std::size_t injected = faults->injected();
        faults.reset();
        trial.expect(live_allocations() == allocations, "memory is given back");
        trial.expect(open_descriptors() == descriptors, "descriptors are closed");
        if (const char* const wrong = trial.verdict(injected)) fail(plan, wrong);
        tally_.count(injected, trial.was_right());
        return injected;
    }

    // Each of many faults may take turns, but not one after the other without a wait.
    void allow_turns_for(std::uint64_t faults) { budget_.turns += 4 * static_cast<int>(faults); }

    // What was printed when it failed.
    void repeat(const FaultPlan& plan, std::uint64_t faults = 0) {
        clean();
        allow_turns_for(faults);
        MESSAGE("injected ", run(plan), " of ", plan.to_string());
    }

    bool gave_up() const { return failures_ >= most_failures; }
    ~Torture() {
        if (options_.found == nullptr) add_to_table(name_, mode_, tally_);
    }
    Torture(const Torture&) = delete;
    Torture& operator=(const Torture&) = delete;

private:
    static std::string command() {
        return std::string{"-tc='"} + doctest::getContextOptions()->currentTest->m_name + "'";
    }

    void fail(const FaultPlan& plan, const std::string& wrong) {
        ++failures_;
        const std::string line = "--fault='" + plan.to_string() + "' " + command() + ": " + wrong;
        if (options_.found == nullptr)
            FAIL_CHECK(name_, ": ", line);
        else
            *options_.found += line + '\n';
    }

    Mode mode_;
    std::string_view name_;
    Scenario scenario_;
    TortureOptions options_;
    Tally tally_;
    Trial::Budget budget_;
    int failures_ = 0;
};

int asked_for(const char* variable, int by_default) {
    const char* const asked = std::getenv(variable);
    return asked == nullptr ? by_default : std::atoi(asked);
}

std::chrono::duration<double, std::ratio<3600>> hours_asked_for() {
    const char* const asked = std::getenv("POLLUX_TORTURE_HOURS");
    return std::chrono::duration<double, std::ratio<3600>>{asked == nullptr ? 0 : std::atof(asked)};
}

FaultPlan draw(std::mt19937& random, const std::vector<CallsInReach>& calls, const Mode& mode,
               const TortureOptions& options) {
    FaultPlan plan;
    for (std::size_t left = 1 + random() % 6; left > 0; --left) {
        const CallsInReach& call = calls[random() % calls.size()];
        const std::vector<Fault> faults = faults_of(call.name, mode, options);
        if (faults.empty()) continue;
        plan.add(once(call.name, 1 + random() % call.made, faults[random() % faults.size()]));
    }
    return plan;
}

// With threads, where a run takes ten times as long, not every one of many calls of a kind fails.
std::uint64_t next(std::uint64_t nth, const TortureOptions& options) {
    constexpr std::uint64_t each_of = 30;
    constexpr std::uint64_t stride = 7;
    return nth + (options.threads && nth >= each_of ? stride : 1);
}

} // namespace

void torture(const Mode& mode, std::string_view name, Scenario scenario,
             const TortureOptions& options) {
    Torture all{mode, name, scenario, options};
    if (given_fault()) return all.repeat(*given_fault());
    for (const CallsInReach& call : all.clean())
        for (const Fault& fault : faults_of(call.name, mode, options))
            for (std::uint64_t nth = 1; !all.gave_up(); nth = next(nth, options)) {
                const bool reached = all.run(FaultPlan{}.add(once(call.name, nth, fault))) > 0;
                if (!reached && (!options.threads || nth > call.made)) break;
            }
}

void torture_lasting(const Mode& mode, std::string_view name, Scenario scenario,
                     const TortureOptions& options) {
    Torture all{mode, name, scenario, options};
    if (given_fault()) return all.repeat(*given_fault(), lasting);
    const std::vector<CallsInReach> calls = all.clean();
    all.allow_turns_for(lasting);
    for (const CallsInReach& call : calls)
        for (const Fault& fault : faults_of(call.name, mode, options)) {
            if (!is_shortage(fault.error)) continue;
            for (std::uint64_t nth = 1; !all.gave_up(); ++nth) {
                FaultRule rule = once(call.name, nth, fault);
                rule.last += lasting - 1;
                if (all.run(FaultPlan{}.add(rule)) == 0) break;
            }
        }
}

void torture_at_random(const Mode& mode, std::string_view name, Scenario scenario, int runs,
                       const TortureOptions& options) {
    Torture all{mode, name, scenario, options};
    if (given_fault()) return all.repeat(*given_fault());
    const std::vector<CallsInReach> calls = all.clean();
    const auto end = std::chrono::steady_clock::now() + hours_asked_for();
    const int at_least = asked_for("POLLUX_TORTURE_RUNS", runs);
    std::mt19937 random{static_cast<unsigned>(asked_for("POLLUX_TORTURE_SEED", 42))};
    for (int run = 0; !all.gave_up() && (run < at_least || std::chrono::steady_clock::now() < end);
         ++run)
        all.run(draw(random, calls, mode, options));
}

} // namespace pollux_test
