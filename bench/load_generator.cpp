// Load on any TCP server that echoes, upper-cases or discards, from one thread on bare epoll: what
// measures must not be what is measured, so nothing here is Pollux. `--help` says what it can do.

#include <cstdio>
#include <exception>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "load/clock.hpp"
#include "load/echo.hpp"
#include "load/options.hpp"
#include "load/result.hpp"
#include "load/socket.hpp"
#include "load/upload.hpp"

namespace {

using namespace load;

void wait_for_line() {
    std::string line;
    std::getline(std::cin, line);
}

void wait_for_go(const Options& options) {
    if (!options.handshake) return;
    std::cout << "ready" << std::endl;
    wait_for_line();
}

Goal warmup_goal(const Options& options) { return {.deadline = now() + options.warmup.count()}; }

Goal measured_goal(const Options& options) {
    Goal goal;
    if (options.duration.count() > 0) goal.deadline = now() + options.duration.count();
    const bool uploads = options.mode == Options::Mode::upload;
    if (const auto amount = uploads ? options.bytes : options.requests; amount > 0)
        goal.amount = amount;
    return goal;
}

struct Measured {
    Result result;
    std::int64_t cpu;
};

template <class Run> Measured measure(const Options& options, Run run) {
    wait_for_go(options);
    const std::int64_t cpu_before = nanoseconds_of(CLOCK_PROCESS_CPUTIME_ID);
    Measured measured{.result = run(measured_goal(options)), .cpu = 0};
    measured.cpu = nanoseconds_of(CLOCK_PROCESS_CPUTIME_ID) - cpu_before;
    return measured;
}

const char* name_of(Options::Mode mode) {
    switch (mode) {
    case Options::Mode::echo:
        return "echo";
    case Options::Mode::upper:
        return "upper";
    case Options::Mode::upload:
        break;
    }
    return "upload";
}

void print(const Options& options, const Measured& measured) {
    const Result& result = measured.result;
    const double seconds = static_cast<double>(result.ended - result.started) / 1e9;
    const auto number = [](auto value) { return static_cast<unsigned long long>(value); };
    std::printf("{\"mode\": \"%s\", \"connections\": %zu, \"size\": %zu, \"depth\": %zu, "
                "\"seconds\": %.9f, \"requests\": %llu, \"bytes\": %llu, \"waits\": %llu, "
                "\"client_cpu_seconds\": %.9f, \"latency_ns\": {\"p50\": %llu, \"p90\": %llu, "
                "\"p99\": %llu, \"p99.9\": %llu, \"max\": %llu}}\n",
                name_of(options.mode), options.connections, options.size, options.depth, seconds,
                number(result.requests), number(result.bytes), number(result.waits),
                static_cast<double>(measured.cpu) / 1e9, number(result.latency.percentile(50)),
                number(result.latency.percentile(90)), number(result.latency.percentile(99)),
                number(result.latency.percentile(99.9)), number(result.latency.max()));
    std::fflush(stdout);
}

// A server that does not hold so many connections can be looked at before this process ends.
template <class Try> void or_stuck(const Options& options, Try attempt) {
    try {
        attempt();
    } catch (const Failure& failure) {
        if (options.handshake) {
            std::cout << "stuck: " << failure.what() << std::endl;
            wait_for_line();
        }
        throw;
    }
}

// The connections stay open until the result is out and, in a handshake, until the next line: the
// closing is no part of what is measured.
void run_echo(const Options& options) {
    std::vector<Fd> sockets;
    or_stuck(options, [&] { connect_all(options, sockets); });
    const auto load = std::make_unique<EchoLoad>(options, sockets);
    or_stuck(options, [&] { load->greet(); });
    load->run(warmup_goal(options));
    print(options, measure(options, [&](const Goal& goal) { return load->run(goal); }));
    if (options.handshake) wait_for_line();
}

// An upload ends its connections, so the warm-up has some of its own.
void run_upload(const Options& options) {
    if (options.warmup.count() > 0) {
        std::vector<Fd> sockets;
        connect_all(options, sockets);
        upload(options, sockets, warmup_goal(options));
    }
    std::vector<Fd> sockets;
    connect_all(options, sockets);
    print(options,
          measure(options, [&](const Goal& goal) { return upload(options, sockets, goal); }));
    if (options.handshake) wait_for_line();
}

} // namespace

int main(int argc, char** argv) {
    try {
        const Options options = parse_options(argc, argv);
        if (options.help) {
            std::cout << usage;
            return 0;
        }
        make_room_for(options.connections);
        if (options.mode == Options::Mode::upload)
            run_upload(options);
        else
            run_echo(options);
        return 0;
    } catch (const std::exception& error) {
        std::cerr << "load_generator: " << error.what() << '\n';
        return 2;
    }
}
