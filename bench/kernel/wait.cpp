// What it costs to learn which of N descriptors are ready (Kerrisk, linux.conf.au 2006): each
// operation makes some ready, spread evenly from one on that is chosen at random, or always the
// same ones, waits without a limit, and reads those that were found.
//
//     kernel_wait WATCHED, then: go OPERATIONS none|select|poll|epoll N ACTIVE random|same
//
// `none` knows which are ready: what writing and reading alone cost. The descriptors are eventfds,
// as a process that may hold 20 000 descriptors cannot hold 10 000 pipes. select is called with a
// bit set of the size that is needed: FD_SETSIZE is a limit of glibc's type, the kernel has none.

#include <algorithm>
#include <bit>
#include <iostream>
#include <poll.h>
#include <span>
#include <stdexcept>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "clocks.hpp"
#include "descriptor.hpp"
#include "stand_by.hpp"

namespace {

using namespace kernel;
using Fds = std::span<const Descriptor>;

class None {
public:
    explicit None(Fds) noexcept {}
    void written(int fd) { ready_.push_back(fd); }
    template <class Each> void wait(Each each) {
        for (const int fd : ready_) each(fd);
        ready_.clear();
    }

private:
    std::vector<int> ready_;
};

class Select {
public:
    explicit Select(Fds fds) {
        for (const Descriptor& each : fds) end_ = std::max(end_, each.get() + 1);
        watched_.resize(static_cast<std::size_t>(end_) / bits + 1);
        for (const Descriptor& each : fds) {
            const auto fd = static_cast<std::size_t>(each.get());
            watched_[fd / bits] |= 1UL << (fd % bits);
        }
    }
    void written(int) noexcept {}
    template <class Each> void wait(Each each) {
        ready_ = watched_;
        long left =
            check(syscall(SYS_pselect6, end_, ready_.data(), nullptr, nullptr, nullptr, nullptr),
                  "select");
        for (std::size_t word = 0; left > 0; ++word)
            for (unsigned long set = ready_[word]; set != 0; set &= set - 1, --left)
                each(static_cast<int>(word * bits) + std::countr_zero(set));
    }

private:
    static constexpr std::size_t bits = 8 * sizeof(unsigned long);
    std::vector<unsigned long> watched_;
    std::vector<unsigned long> ready_;
    int end_ = 0;
};

class Poll {
public:
    explicit Poll(Fds fds) {
        for (const Descriptor& each : fds)
            polled_.push_back({.fd = each.get(), .events = POLLIN, .revents = 0});
    }
    void written(int) noexcept {}
    template <class Each> void wait(Each each) {
        long left = check(poll(polled_.data(), polled_.size(), -1), "poll");
        for (std::size_t i = 0; left > 0; ++i) {
            if (polled_[i].revents == 0) continue;
            --left;
            each(polled_[i].fd);
        }
    }

private:
    std::vector<pollfd> polled_;
};

class Epoll {
public:
    explicit Epoll(Fds fds) {
        for (const Descriptor& each : fds) watch(epoll_.get(), each.get(), EPOLLIN);
    }
    void written(int) noexcept {}
    template <class Each> void wait(Each each) {
        const long found =
            check(epoll_wait(epoll_.get(), events_.data(), capacity, -1), "epoll_wait");
        for (std::size_t i = 0; i < static_cast<std::size_t>(found); ++i) each(events_[i].data.fd);
    }

private:
    static constexpr int capacity = 1024;
    Descriptor epoll_ = make_epoll();
    std::vector<epoll_event> events_ = std::vector<epoll_event>(capacity);
};

template <class Facility>
Answer measure(Fds fds, std::size_t active, bool same, std::uint64_t operations) {
    Facility facility{fds};
    Chance chance{static_cast<std::uint64_t>(now())};
    const std::size_t stride = fds.size() / active;
    std::uint64_t seen = 0;
    const std::int64_t begin = thread_cpu();
    for (std::uint64_t done = 0; done < operations; ++done) {
        std::size_t place = same ? 0 : chance.below(fds.size());
        for (std::size_t i = 0; i < active; ++i, place = (place + stride) % fds.size()) {
            const int fd = fds[place].get();
            signal(fd);
            facility.written(fd);
        }
        std::size_t found = 0;
        while (found < active)
            facility.wait([&](int fd) {
                ++found;
                seen += take(fd);
            });
    }
    const std::int64_t cpu = thread_cpu() - begin;
    if (seen != operations * active) throw std::logic_error{"an event was lost"};
    return Answer{}.add("count", static_cast<std::int64_t>(operations)).add("cpu_ns", cpu);
}

Answer answer(Fds fds, const Question& question) {
    const std::string& name = question.word(0);
    const std::size_t watched = question.number(1);
    const std::size_t active = question.number(2);
    const std::string& choice = question.word(3);
    if (watched > fds.size() || active == 0 || active > watched)
        throw std::invalid_argument{"not so many descriptors"};
    if (choice != "random" && choice != "same") throw std::invalid_argument{"no choice " + choice};
    const bool same = choice == "same";
    fds = fds.first(watched);
    if (name == "none") return measure<None>(fds, active, same, question.count());
    if (name == "select") return measure<Select>(fds, active, same, question.count());
    if (name == "poll") return measure<Poll>(fds, active, same, question.count());
    if (name == "epoll") return measure<Epoll>(fds, active, same, question.count());
    throw std::invalid_argument{"no facility " + name};
}

} // namespace

int main(int argc, char** argv) {
    if (argc != 2) {
        std::cerr << "kernel_wait WATCHED\n";
        return 2;
    }
    raise_descriptor_limit();
    const std::vector<Descriptor> fds = open_eventfds(std::stoul(argv[1]));
    return stand_by([&](const Question& question) { return answer(fds, question); });
}
