// Reactors know nothing of each other: each thread drives its own.

#include <doctest/doctest.h>

#include <atomic>
#include <pollux/backend.hpp>
#include <pollux/instruments/calls.hpp>
#include <thread>
#include <vector>

#include "support/sockets.hpp"

using namespace pollux;
using namespace pollux_test;

namespace {

constexpr int rounds = 500;

// Puts one byte at a time and takes it when it is reported; returns how many were.
int rounds_through(Backend backend, const Ends& ends) {
    const auto reactor = make_reactor(backend);
    reactor->add(ends.ours.get(), Token{1}, Interest::read, Trigger::level);
    int seen = 0;
    for (int round = 0; round < rounds; ++round) {
        put(ends.theirs, "x");
        if (reactor->wait(forever).size() == 1 && take(ends.ours) == "x") ++seen;
    }
    return seen;
}

std::uint64_t waits_made() {
    std::uint64_t made = 0;
    for (const CallCount& count : call_counts())
        if (count.name == "epoll_pwait2" || count.name == "epoll_wait" || count.name == "ppoll" ||
            count.name == "pselect" || count.name == "io_uring_enter")
            made += count.made;
    return made;
}

} // namespace

TEST_CASE("reactors in several threads: each sees its own, and every call is counted") {
    const std::uint64_t before = waits_made();
    std::atomic<int> seen{0};
    {
        std::vector<std::jthread> threads;
        for (const Backend backend : {Backend::select, Backend::poll, Backend::epoll})
            for (int twin = 0; twin < 2; ++twin)
                threads.emplace_back([&seen, backend, ends = unix_pair()] {
                    seen += rounds_through(backend, ends);
                });
    }
    CHECK(seen == 6 * rounds);
    CHECK(waits_made() - before >= 6 * rounds);
}
