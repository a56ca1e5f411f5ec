#include <algorithm>
#include <array>
#include <atomic>
#include <bitset>
#include <deque>
#include <mutex>
#include <pollux/instruments/fault_injection.hpp>
#include <utility>

#include "instruments/fault_reach.hpp"
#include "instruments/fault_text.hpp"

namespace pollux {
namespace {

using Kind = Fault::Kind;

constinit thread_local int pauses = 0;
constinit std::atomic<int> truces{0};

// How often a call was made: where it can fail, and where it can be short besides.
struct Reached {
    std::atomic<std::uint64_t> all{0};
    std::atomic<std::uint64_t> streams{0};
};
struct Nth {
    std::uint64_t all;
    std::uint64_t streams; // 0: not one of these
};

bool can_give(Call call, const Fault& fault) {
    const std::span<const int> errors = errors_of(name_of(call));
    switch (fault.kind) {
    case Kind::error:
        return std::find(errors.begin(), errors.end(), fault.error) != errors.end();
    case Kind::any:
        return !errors.empty();
    case Kind::short_count:
        return can_be_short(call);
    case Kind::spurious:
        return can_be_spurious(call);
    case Kind::delay:
    case Kind::callback:
        break;
    }
    return true;
}

// splitmix64: what is drawn depends on these numbers only, not on which thread came first.
std::uint64_t drawn(std::uint64_t seed, std::uint64_t rule, std::uint64_t nth) {
    std::uint64_t bits = seed * 0x9e37'79b9'7f4a'7c15 + rule * 0xd1b5'4a32'd192'ed03 + nth;
    for (int round = 0; round < 2; ++round) {
        bits += 0x9e37'79b9'7f4a'7c15;
        bits = (bits ^ (bits >> 30)) * 0xbf58'476d'1ce4'e5b9;
        bits = (bits ^ (bits >> 27)) * 0x94d0'49bb'1331'11eb;
        bits ^= bits >> 31;
    }
    return bits;
}

class Rule {
public:
    Rule(const FaultRule& rule, std::uint64_t place, std::uint64_t seed)
        : rule_{rule}, place_{place}, seed_{seed} {
        for (std::size_t call = 0; call < call_names.size(); ++call)
            befalls_[call] = is_meant(static_cast<Call>(call));
        counts_itself_ = rule.fd >= 0 || befalls_.count() > 1;
    }

    const Fault& fault() const { return rule_.fault; }

    /// Whether it is this call's turn.
    bool picks(const AskedCall& call, const Nth& nth) {
        if (!befalls_[index_of(call.call)] || (rule_.fd >= 0 && rule_.fd != call.fd)) return false;
        std::uint64_t mine = rule_.fault.kind == Kind::short_count ? nth.streams : nth.all;
        if (mine == 0) return false;
        if (counts_itself_) mine = seen_.fetch_add(1) + 1;
        if (rule_.percent < 100) {
            constexpr auto range = static_cast<double>(std::uint64_t{1} << 53);
            return static_cast<double>(drawn(seed_, place_, mine) >> 11) / range * 100 <
                   rule_.percent;
        }
        return mine >= rule_.first && mine <= rule_.last && (mine - rule_.first) % rule_.step == 0;
    }

    /// What really happens: of `any`, one.
    Fault outcome(const AskedCall& call, const Nth& nth) const {
        if (rule_.fault.kind != Kind::any) return rule_.fault;
        const std::span<const int> errors = errors_of(name_of(call.call));
        return {.error = errors[drawn(seed_, ~place_, nth.all) % errors.size()]};
    }

private:
    bool is_meant(Call call) const {
        if (rule_.call == "wait") return is_wait(call);
        if (rule_.call == "*") return call != Call::allocation && can_give(call, rule_.fault);
        return rule_.call == name_of(call);
    }

    FaultRule rule_;
    std::uint64_t place_;
    std::uint64_t seed_;
    std::bitset<call_names.size()> befalls_;
    bool counts_itself_ = false;
    std::atomic<std::uint64_t> seen_{0};
};

struct Injected {
    Call call;
    std::uint64_t nth;
    Fault fault;
};

CallOutcome outcome_of(const AskedCall& call, std::uint64_t nth, const Fault& fault) {
    CallOutcome outcome;
    switch (fault.kind) {
    case Kind::error:
    case Kind::any:
        outcome.error = fault.error;
        outcome.made_first = fails_when_made(call.call, fault.error);
        break;
    case Kind::short_count:
        outcome.at_most = fault.bytes;
        break;
    case Kind::spurious:
        outcome.spurious = true;
        break;
    case Kind::delay:
        outcome.delay = fault.delay;
        break;
    case Kind::callback:
        outcome = fault.decide({.name = name_of(call.call), .nth = nth, .fd = call.fd});
        break;
    }
    return outcome;
}

} // namespace

struct FaultInjection::State final : Answerer {
    explicit State(FaultPlan given) : plan{std::move(given)} {
        for (const FaultRule& rule : plan.rules())
            rules.emplace_back(rule, rules.size(), plan.seed());
        outer = in_force.exchange(this);
        begin();
    }
    ~State() {
        end();
        in_force = outer;
    }
    State(const State&) = delete;
    State& operator=(const State&) = delete;

    void answer(const AskedCall& call, CallOutcome& outcome) override {
        if (pauses > 0 || truces > 0 || in_force != this || !can_fail(call)) return;
        const Nth nth = count(call);
        for (Rule& rule : rules) {
            if (!rule.picks(call, nth) || !outcome.leaves_alone()) continue;
            const Fault fault = rule.outcome(call, nth);
            const CallOutcome wanted = outcome_of(call, nth.all, fault);
            const std::chrono::nanoseconds delay = outcome.delay + wanted.delay;
            if (wanted.leaves_alone() && wanted.delay.count() == 0) continue;
            outcome = wanted;
            outcome.delay = delay;
            note({call.call, fault.kind == Kind::short_count ? nth.streams : nth.all, fault});
        }
    }

    Nth count(const AskedCall& call) {
        Reached& known = reached[index_of(call.call)];
        const bool stream =
            can_be_short(call.call) && (is_batch(call.call) || is_byte_stream(call.fd));
        return {.all = known.all.fetch_add(1) + 1,
                .streams = stream ? known.streams.fetch_add(1) + 1 : 0};
    }

    void note(Injected fault) {
        const std::lock_guard lock{mutex};
        injected.push_back(std::move(fault));
    }

    static inline std::atomic<State*> in_force{nullptr};

    FaultPlan plan;
    State* outer = nullptr;
    std::deque<Rule> rules;
    std::array<Reached, call_names.size()> reached{};
    mutable std::mutex mutex;
    std::vector<Injected> injected;
};

FaultInjection::FaultInjection(FaultPlan plan) : state_{std::make_unique<State>(std::move(plan))} {}

FaultInjection::~FaultInjection() = default;

FaultInjection::Pause::Pause() noexcept { ++pauses; }

FaultInjection::Pause::~Pause() { --pauses; }

FaultInjection::Truce::Truce() noexcept { ++truces; }

FaultInjection::Truce::~Truce() { --truces; }

const FaultPlan& FaultInjection::plan() const noexcept { return state_->plan; }

std::size_t FaultInjection::injected() const {
    const std::lock_guard lock{state_->mutex};
    return state_->injected.size();
}

std::string FaultInjection::log() const {
    const Pause pause;
    const std::lock_guard lock{state_->mutex};
    std::string line;
    for (const Injected& each : state_->injected) {
        if (!line.empty()) line += ';';
        line += std::string{name_of(each.call)} + "@" + std::to_string(each.nth) + "=" +
                text_of(each.fault);
    }
    return line;
}

std::vector<CallsInReach> FaultInjection::calls() const {
    const Pause pause;
    std::vector<CallsInReach> made;
    for (std::size_t call = 0; call < call_names.size(); ++call)
        if (const std::uint64_t count = state_->reached[call].all.load(); count > 0)
            made.push_back({call_names[call], count});
    return made;
}

} // namespace pollux
