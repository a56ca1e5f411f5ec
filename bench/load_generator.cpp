// Load on any TCP server, from one thread on bare epoll: what measures must not be what is
// measured, so nothing here is Pollux. `--help` says what it can do.

#include <cerrno>
#include <chrono>
#include <exception>
#include <iostream>
#include <memory>
#include <sched.h>
#include <string>
#include <string_view>
#include <sys/prctl.h>

#include "load/clock.hpp"
#include "load/dialer.hpp"
#include "load/idle.hpp"
#include "load/load.hpp"
#include "load/options.hpp"
#include "load/ramp.hpp"
#include "load/report.hpp"

namespace {

using namespace load;

void run_on(const std::vector<std::size_t>& cores) {
    if (cores.empty()) return;
    cpu_set_t set;
    CPU_ZERO(&set);
    for (const std::size_t core : cores) CPU_SET(core, &set);
    if (sched_setaffinity(0, sizeof set, &set) < 0) fail("--cores: sched_setaffinity");
}

Goal measured_goal(const Options& options) {
    Goal goal{.rate = options.rate};
    if (options.duration.count() > 0) goal.duration = options.duration;
    const bool uploads = options.mode == Options::Mode::upload;
    if (const auto amount = uploads ? options.bytes : options.requests; amount > 0)
        goal.amount = amount;
    return goal;
}

Measured measure(Load& load, const Goal& goal) {
    load.prepare();
    const std::int64_t cpu_before = nanoseconds_of(CLOCK_PROCESS_CPUTIME_ID);
    Measured measured{.result = load.run(goal)};
    measured.cpu = nanoseconds_of(CLOCK_PROCESS_CPUTIME_ID) - cpu_before;
    return measured;
}

void say_unless_standing_by(const Options& options, const char* what) {
    if (!options.handshake) std::cerr << "load_generator: " << what << '\n';
}

void print(const Options& options, const Measured& measured, double rate) {
    std::cout << (options.text ? text(options, measured, rate) : json(options, measured, rate))
              << std::endl;
}

void measure_and_print(const Options& options, Load& load, const Goal& goal) {
    const Measured measured = measure(load, goal);
    print(options, measured, goal.rate);
    if (measured.limited_by_client(options))
        say_unless_standing_by(options, "the client was the limit: the server may do better");
}

// With as many under way, an open loop can hardly reach more than a closed one.
double rate_to_begin_with(Load& load) {
    const Result result = measure(load, {.duration = std::chrono::milliseconds{250}}).result;
    const double reached = static_cast<double>(result.requests) / result.seconds();
    return result.requests > 0 ? reached / 2 : 1;
}

void find_and_print_knee(const Options& options, Load& load, const Goal& goal) {
    const double first = options.rate > 0 ? options.rate : rate_to_begin_with(load);
    const Knee knee = find_knee(first, [&](double rate) {
        Goal step = goal;
        step.rate = rate;
        step.duration = step_length(goal.duration, rate);
        const Measured measured = measure(load, step);
        print(options, measured, rate);
        return limit_of(options, measured);
    });
    std::cout << (options.text ? text(knee) : json(knee)) << std::endl;
    if (knee.because == Limit::client)
        say_unless_standing_by(options, "the client was the limit: the server may keep more");
}

void run_phase(const Options& options, Load& load, const Goal& goal) {
    if (options.ramp)
        find_and_print_knee(options, load, goal);
    else
        measure_and_print(options, load, goal);
}

// The connections stay open until the result is out and, standing by, until the line after: the
// closing is no part of what is measured.
void stand_by(const Options& options, Load& load) {
    std::cout << "ready" << std::endl;
    std::string line;
    while (std::getline(std::cin, line) && (line == "go" || line.starts_with("go "))) {
        Goal goal = measured_goal(options);
        if (line != "go") goal.duration = parse_seconds("go", std::string_view{line}.substr(3));
        run_phase(options, load, goal);
    }
}

// A server that does not hold so many connections can be looked at before this process ends.
template <class Try> void or_stuck(const Options& options, Try attempt) {
    try {
        attempt();
    } catch (const Failure& failure) {
        if (options.handshake) {
            std::cout << "stuck: " << failure.what() << std::endl;
            std::string line;
            std::getline(std::cin, line);
        }
        throw;
    }
}

void run(const Options& options) {
    run_on(options.cores);
    // By default the kernel may wake a thread 50 us late, to save power.
    prctl(PR_SET_TIMERSLACK, 1);
    if (options.mode == Options::Mode::idle)
        return or_stuck(options, [&] { open_and_hold(options); });
    make_room_for(options.connections);
    const std::unique_ptr<Load> load = make_load(options);
    or_stuck(options, [&] { load->prepare(); });
    if (options.warmup.count() > 0) {
        load->run({.duration = options.warmup, .rate = options.rate});
        or_stuck(options, [&] { load->prepare(); });
    }
    if (options.handshake)
        stand_by(options, *load);
    else
        run_phase(options, *load, measured_goal(options));
}

} // namespace

int main(int argc, char** argv) {
    try {
        const Options options = parse_options(argc, argv);
        if (options.help)
            std::cout << usage();
        else
            run(options);
        return 0;
    } catch (const std::exception& error) {
        std::cerr << "load_generator: " << error.what() << '\n';
        return 2;
    }
}
