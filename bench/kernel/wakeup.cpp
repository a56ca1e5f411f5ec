// Waking a loop through an eventfd, watched level-triggered (and read, else it stays ready) or
// edge-triggered (and never read).
//
//     kernel_wakeup OTHER_CORE, then: go WAKEUPS level|edge alone|pair
//
// `alone` makes and takes each wake-up in one thread; `pair` passes them to and fro between this
// thread and one on the other core, so that each wait sleeps.

#include <exception>
#include <iostream>
#include <sched.h>
#include <stdexcept>
#include <string>
#include <sys/epoll.h>
#include <thread>

#include "clocks.hpp"
#include "descriptor.hpp"
#include "stand_by.hpp"

namespace {

using namespace kernel;

class Waker {
public:
    explicit Waker(bool edge) : edge_{edge} {
        watch(epoll_.get(), fd(), edge ? EPOLLIN | EPOLLET : std::uint32_t{EPOLLIN});
    }
    void wake() const { signal(fd()); }
    void wait() const {
        epoll_event event{};
        check(epoll_wait(epoll_.get(), &event, 1, -1), "epoll_wait");
        if (!edge_) take(fd());
    }

private:
    int fd() const noexcept { return event_.front().get(); }

    bool edge_;
    std::vector<Descriptor> event_ = open_eventfds(1);
    Descriptor epoll_ = make_epoll();
};

void wake_oneself(std::uint64_t count, const Waker& waker) {
    for (; count > 0; --count) {
        waker.wake();
        waker.wait();
    }
}

void move_to(int core) {
    cpu_set_t cores;
    CPU_ZERO(&cores);
    CPU_SET(static_cast<std::size_t>(core), &cores);
    check(sched_setaffinity(0, sizeof cores, &cores), "sched_setaffinity");
}

void wake_each_other(std::uint64_t count, const Waker& here, bool edge, int other_core) {
    const Waker there{edge};
    std::exception_ptr problem;
    std::thread other{[&] {
        try {
            move_to(other_core);
            for (std::uint64_t left = count; left > 0; --left) {
                there.wait();
                here.wake();
            }
        } catch (...) {
            problem = std::current_exception();
            here.wake();
        }
    }};
    for (; count > 0 && !problem; --count) {
        there.wake();
        here.wait();
    }
    other.join();
    if (problem) std::rethrow_exception(problem);
}

Answer measure(const Question& question, int other_core) {
    const std::string& trigger = question.word(0);
    const std::string& threads = question.word(1);
    if (trigger != "level" && trigger != "edge")
        throw std::invalid_argument{"no trigger " + trigger};
    if (threads != "alone" && threads != "pair") throw std::invalid_argument{"no such " + threads};
    const bool edge = trigger == "edge";
    const Waker waker{edge};
    const std::int64_t cpu = process_cpu();
    const std::int64_t begin = now();
    if (threads == "pair")
        wake_each_other(question.count(), waker, edge, other_core);
    else
        wake_oneself(question.count(), waker);
    return Answer{}
        .add("count", static_cast<std::int64_t>(question.count()))
        .add("elapsed_ns", now() - begin)
        .add("cpu_ns", process_cpu() - cpu);
}

} // namespace

int main(int argc, char** argv) {
    if (argc != 2) {
        std::cerr << "kernel_wakeup OTHER_CORE\n";
        return 2;
    }
    const int other_core = std::stoi(argv[1]);
    return stand_by([&](const Question& question) { return measure(question, other_core); });
}
