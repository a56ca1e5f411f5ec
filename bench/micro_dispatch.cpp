// The cost of dispatch alone: N descriptors watched, M of them ready for ever, a callback that
// counts. The bare loops, the Reactor seam and the EventLoop stand side by side in one binary. For
// ratios with their intervals run bench/micro: repetitions of one benchmark after the other, as
// here, drift apart on a machine that others use too.

#include <benchmark/benchmark.h>

#include <exception>
#include <iostream>
#include <string>

#include "contestants.hpp"

namespace {

using namespace contest;

void dispatch(benchmark::State& state, Kind kind, pollux::Backend backend) {
    const auto watched = static_cast<std::size_t>(state.range(0));
    const auto active = static_cast<std::size_t>(state.range(1));
    const Descriptors descriptors{watched, active};
    std::uint64_t calls = 0;
    const auto contestant = make_contestant(kind, backend, descriptors.all(), &calls);
    contestant->run(10);
    calls = 0;
    while (state.KeepRunning()) contestant->run(1);
    if (calls != active * static_cast<std::uint64_t>(state.iterations()))
        state.SkipWithError("some events did not come");
    state.SetItemsProcessed(static_cast<std::int64_t>(calls));
}

// There is no bare loop that is adaptive, and not every kernel gives io_uring.
bool exists(Kind kind, pollux::Backend backend) {
    try {
        std::uint64_t calls = 0;
        make_contestant(kind, backend, {}, &calls);
        return true;
    } catch (const std::exception& error) {
        std::cerr << to_string(backend) << '/' << to_string(kind) << ": " << error.what() << '\n';
        return false;
    }
}

} // namespace

int main(int argc, char** argv) {
    using pollux::Backend;
    for (const Backend backend :
         {Backend::select, Backend::poll, Backend::epoll, Backend::adaptive, Backend::io_uring})
        for (const Kind kind : kinds) {
            if (!exists(kind, backend)) continue;
            const std::string name =
                std::string{to_string(backend)} + "/" + std::string{to_string(kind)};
            benchmark::RegisterBenchmark(name.c_str(), dispatch, kind, backend)
                ->ArgNames({"watched", "active"})
                ->ArgsProduct({{1000}, {1, 16, 100, 1000}})
                ->ArgsProduct({{100}, {1, 100}});
        }
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
    benchmark::RunSpecifiedBenchmarks();
    benchmark::Shutdown();
}
