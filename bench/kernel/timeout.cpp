// How late a wait with a timeout ends when nothing becomes ready.
//
//     kernel_timeout, then: go WAITS select|poll|epoll_wait|epoll_pwait2|timerfd NANOSECONDS
//
// poll and epoll_wait take whole milliseconds: what is asked for is rounded up. timerfd stands for
// a wait without a limit that such a descriptor ends. Answers by how much each wait took longer.

#include <poll.h>
#include <stdexcept>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/timerfd.h>

#include "clocks.hpp"
#include "descriptor.hpp"
#include "stand_by.hpp"

namespace {

using namespace kernel;

constexpr std::int64_t second = 1'000'000'000;

timespec timespec_of(std::int64_t nanoseconds) {
    return {.tv_sec = nanoseconds / second, .tv_nsec = nanoseconds % second};
}

int milliseconds_of(std::int64_t nanoseconds) {
    return static_cast<int>((nanoseconds + 999'999) / 1'000'000);
}

class Waits {
public:
    Waits() {
        watch(epoll_.get(), idle_.front().get(), EPOLLIN);
        watch(timed_.get(), timer_.get(), EPOLLIN);
    }

    void wait(const std::string& call, std::int64_t nanoseconds) {
        if (call == "select") return by_select(nanoseconds);
        if (call == "poll") {
            pollfd polled{.fd = idle_.front().get(), .events = POLLIN, .revents = 0};
            check(poll(&polled, 1, milliseconds_of(nanoseconds)), "poll");
            return;
        }
        epoll_event event{};
        if (call == "epoll_wait") {
            check(epoll_wait(epoll_.get(), &event, 1, milliseconds_of(nanoseconds)), "epoll_wait");
        } else if (call == "epoll_pwait2") {
            const timespec limit = timespec_of(nanoseconds);
            check(epoll_pwait2(epoll_.get(), &event, 1, &limit, nullptr), "epoll_pwait2");
        } else if (call == "timerfd") {
            const itimerspec due{.it_interval = {}, .it_value = timespec_of(nanoseconds)};
            check(timerfd_settime(timer_.get(), 0, &due, nullptr), "timerfd_settime");
            check(epoll_wait(timed_.get(), &event, 1, -1), "epoll_wait");
        } else {
            throw std::invalid_argument{"no call " + call};
        }
    }

private:
    void by_select(std::int64_t nanoseconds) const {
        const int fd = idle_.front().get();
        fd_set set;
        FD_ZERO(&set);
        FD_SET(fd, &set);
        timeval limit{.tv_sec = nanoseconds / second, .tv_usec = nanoseconds % second / 1000};
        check(select(fd + 1, &set, nullptr, nullptr, &limit), "select");
    }

    std::vector<Descriptor> idle_ = open_eventfds(1);
    Descriptor timer_{
        check(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK), "timerfd_create")};
    Descriptor epoll_ = make_epoll();
    Descriptor timed_ = make_epoll();
};

} // namespace

int main() {
    Waits waits;
    return stand_by([&](const Question& question) {
        const auto asked = static_cast<std::int64_t>(question.number(1));
        std::vector<std::int64_t> late;
        while (late.size() < question.count()) {
            const std::int64_t begin = now();
            waits.wait(question.word(0), asked);
            late.push_back(now() - begin - asked);
        }
        return Answer{}.add("count", static_cast<std::int64_t>(late.size())).add("late_ns", late);
    });
}
