// Torture of a loop with timers, signals and tasks.

#include "torture/torture.hpp"

#include <chrono>
#include <csignal>
#include <optional>
#include <pollux/signals.hpp>
#include <unistd.h>

using namespace pollux;
using namespace pollux_test;

namespace {

// A signal, ten ticks and a task that another posts.
struct Clockwork {
    explicit Clockwork(Trial& in) : trial{in} {}

    bool set_up() {
        return trial.act([this] {
            if (!loop) loop.emplace(trial.mode.backend);
            ticking = loop->run_every(std::chrono::seconds{1}, [this] { ++ticks; });
            signals.emplace(*loop, std::initializer_list<int>{SIGUSR1},
                            [this](int) { ++signalled; });
            is_up = true;
        });
    }

    // What is lost with an error is done again.
    bool work() {
        ticks = signalled = posted = 0;
        ::kill(::getpid(), SIGUSR1);
        const auto post = [this] {
            return trial.act([this] { loop->post([this] { loop->post([this] { ++posted; }); }); });
        };
        const bool right = post();
        trial.until(*loop, [&] { return ticks >= 10 && signalled > 0; });
        trial.expect(signalled == 1, "the signal is told once");
        return right && posted == 1;
    }

    void end() {
        ::kill(::getpid(), SIGUSR1); // what is pending is dropped
        trial.act([this] {
            signals.reset();
            ticking = {};
            loop.reset();
        });
    }

    Trial& trial;
    int ticks = 0;
    int signalled = 0;
    int posted = 0;
    bool is_up = false;
    std::optional<EventLoop> loop;
    Timer ticking;
    std::optional<SignalWatch> signals;
};

void clockwork_runs(Trial& trial) {
    Clockwork clockwork{trial};
    const bool right = clockwork.set_up() && clockwork.work();
    trial.rest();
    trial.expect(clockwork.is_up || clockwork.set_up(), "it can be set up again");
    trial.expect(clockwork.work(), "it runs on");
    trial.go_on();
    clockwork.end();
    trial.right(right);
}

} // namespace

CONTRACT_CASE("torture X1 X3 X4 timers and signals", everywhere) {
    torture(mode, "timers and signals", clockwork_runs);
}
CONTRACT_CASE("torture X5 timers and signals under many faults", everywhere) {
    torture_at_random(mode, "timers and signals, many faults", clockwork_runs, 200);
}
