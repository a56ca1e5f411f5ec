// The workload of libevent's bench.c (Provos; Libenzi) on bare epoll: N socket pairs are
// registered, some are given a byte, and each read passes one to the next pair until so many were
// written.
//
//     kernel_registration PAIRS, then: go WRITES N ACTIVE
//
// Times the two halves: registering, and the loop.

#include <iostream>
#include <span>
#include <stdexcept>
#include <string>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clocks.hpp"
#include "descriptor.hpp"
#include "stand_by.hpp"

namespace {

using namespace kernel;

struct Pair {
    Descriptor read_end;
    Descriptor write_end;
};

std::vector<Pair> open_pairs(std::size_t count) {
    std::vector<Pair> pairs;
    while (pairs.size() < count) {
        int ends[2];
        check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends),
              "socketpair");
        pairs.push_back({Descriptor{ends[0]}, Descriptor{ends[1]}});
    }
    return pairs;
}

void give(const Pair& pair) { check(write(pair.write_end.get(), "e", 1), "write"); }

void register_all(int epoll, std::span<const Pair> pairs) {
    for (std::size_t i = 0; i < pairs.size(); ++i) {
        epoll_event event{.events = EPOLLIN, .data = {.u64 = i}};
        check(epoll_ctl(epoll, EPOLL_CTL_ADD, pairs[i].read_end.get(), &event), "epoll_ctl");
    }
}

void pass_on(int epoll, std::span<const Pair> pairs, std::size_t active, std::uint64_t writes) {
    const std::size_t space = pairs.size() / active;
    for (std::size_t i = 0; i < active; ++i) give(pairs[i * space]);
    std::vector<epoll_event> events(1024);
    for (std::uint64_t on_the_way = active; on_the_way > 0;) {
        const long found = check(epoll_wait(epoll, events.data(), 1024, 0), "epoll_wait");
        for (std::size_t i = 0; i < static_cast<std::size_t>(found); ++i) {
            const std::size_t place = events[i].data.u64;
            char byte = 0;
            check(read(pairs[place].read_end.get(), &byte, 1), "read");
            --on_the_way;
            if (writes == 0) continue;
            give(pairs[(place + 1) % pairs.size()]);
            --writes;
            ++on_the_way;
        }
    }
}

Answer measure(std::span<const Pair> pairs, const Question& question) {
    const std::size_t count = question.number(0);
    const std::size_t active = question.number(1);
    if (count > pairs.size() || active == 0 || active > count)
        throw std::invalid_argument{"not so many pairs"};
    pairs = pairs.first(count);
    const std::int64_t begin = thread_cpu();
    const Descriptor epoll = make_epoll();
    register_all(epoll.get(), pairs);
    const std::int64_t registered = thread_cpu();
    pass_on(epoll.get(), pairs, active, question.count());
    return Answer{}
        .add("count", static_cast<std::int64_t>(question.count()))
        .add("setup_ns", registered - begin)
        .add("loop_ns", thread_cpu() - registered);
}

} // namespace

int main(int argc, char** argv) {
    if (argc != 2) {
        std::cerr << "kernel_registration PAIRS\n";
        return 2;
    }
    raise_descriptor_limit();
    const std::vector<Pair> pairs = open_pairs(std::stoul(argv[1]));
    return stand_by([&](const Question& question) { return measure(pairs, question); });
}
