#include "instruments/answerer.hpp"

#include <array>
#include <atomic>
#include <cassert>
#include <cerrno>
#include <pollux/instruments/call_hook.hpp>
#include <sched.h>
#include <utility>

namespace pollux {
namespace {

constinit std::atomic<Answerer*> latest{nullptr};
constinit std::atomic<int> asking{0}; // threads that may be at one of them
constinit thread_local bool answering = false;

} // namespace

void Answerer::begin() noexcept {
    before_ = latest.load(std::memory_order_relaxed);
    latest.store(this);
}

void Answerer::end() noexcept {
    assert(latest.load() == this && "hooks and injections end in the reverse order");
    latest.store(before_);
    // Who asks counts first and looks then: nobody has missed the one or the other.
    while (asking.load() > (answering ? 1 : 0)) ::sched_yield();
}

CallOutcome ask(const AskedCall& call) noexcept {
    if (latest.load(std::memory_order_relaxed) == nullptr || answering) return {};
    const int saved = errno;
    answering = true;
    asking.fetch_add(1);
    CallOutcome outcome;
    for (Answerer* answerer = latest.load(); answerer != nullptr; answerer = answerer->before())
        answerer->answer(call, outcome);
    asking.fetch_sub(1);
    answering = false;
    errno = saved;
    return outcome;
}

bool is_allocation_refused() noexcept {
    return ask({.call = Call::allocation, .fd = -1, .command = 0}).error != 0;
}

struct CallHook::State final : Answerer {
    explicit State(Function function) : decide{std::move(function)} { begin(); }
    ~State() { end(); }
    State(const State&) = delete;
    State& operator=(const State&) = delete;

    void answer(const AskedCall& call, CallOutcome& outcome) override {
        const std::uint64_t nth = made[index_of(call.call)].fetch_add(1) + 1;
        CallOutcome mine = decide({.name = name_of(call.call), .nth = nth, .fd = call.fd});
        mine.delay += outcome.delay;
        if (outcome.leaves_alone())
            outcome = mine;
        else
            outcome.delay = mine.delay;
    }

    Function decide;
    std::array<std::atomic<std::uint64_t>, call_names.size()> made{};
};

CallHook::CallHook(Function decide) : state_{std::make_unique<State>(std::move(decide))} {}

CallHook::~CallHook() = default;

} // namespace pollux
