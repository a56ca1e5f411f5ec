// The loops that a good hand writes on the kernel's facilities: the floor that no library can be
// under. Jobs go through a queue, and an eventfd that is written when the queue was empty.

#include <algorithm>
#include <array>
#include <bit>
#include <poll.h>
#include <pollux/error.hpp>
#include <pollux/fd.hpp>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/select.h>
#include <sys/utsname.h>
#include <unistd.h>
#include <utility>
#include <vector>

#include "peers/job_queue.hpp"
#include "peers/peer.hpp"

namespace peers {

namespace {

// What a loop that serves several users keeps for a descriptor.
struct Watcher {
    void (*callback)(void* argument, std::size_t place);
    void* argument;
    std::size_t place;
    void call() const { callback(argument, place); }
};

std::vector<Watcher> make_watchers(std::size_t count, TokenRing& ring) {
    std::vector<Watcher> watchers;
    for (std::size_t place = 0; place < count; ++place)
        watchers.push_back(
            {[](void* argument, std::size_t i) { static_cast<TokenRing*>(argument)->ready(i); },
             &ring, place});
    return watchers;
}

void close_all(std::span<const int> fds) {
    for (const int fd : fds) close(fd);
}

class BareEpoll final : public Watching {
public:
    explicit BareEpoll(TokenRing& ring) : watchers_{make_watchers(ring.size(), ring)} {}

    void add(std::span<const int> fds) override {
        for (std::size_t i = 0; i < fds.size(); ++i) {
            epoll_event event{.events = EPOLLIN, .data = {.ptr = &watchers_[i]}};
            pollux::check(epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fds[i], &event), "epoll_ctl");
        }
        fds_.assign(fds.begin(), fds.end());
    }
    // The kernel takes out a file of which no descriptor is left.
    void remove() override { close_all(std::exchange(fds_, {})); }
    void turn() override { wait(0); }
    void run() override {
        for (ended_ = false; !ended_;) wait(-1);
    }
    void end() override { ended_ = true; }

private:
    void wait(int timeout) {
        const int count = epoll_wait(epoll_.get(), events_.data(), capacity, timeout);
        for (int i = 0; i < count; ++i)
            static_cast<const Watcher*>(events_[static_cast<std::size_t>(i)].data.ptr)->call();
    }

    static constexpr int capacity = 1024;
    std::vector<Watcher> watchers_;
    pollux::Fd epoll_{pollux::check(epoll_create1(EPOLL_CLOEXEC), "epoll_create1")};
    std::vector<epoll_event> events_ = std::vector<epoll_event>(capacity);
    std::vector<int> fds_;
    bool ended_ = false;
};

class BarePoll final : public Watching {
public:
    explicit BarePoll(TokenRing& ring) : watchers_{make_watchers(ring.size(), ring)} {}

    void add(std::span<const int> fds) override {
        for (const int fd : fds) polled_.push_back({.fd = fd, .events = POLLIN, .revents = 0});
    }
    void remove() override {
        for (const pollfd& each : polled_) close(each.fd);
        polled_.clear();
    }
    void turn() override { wait(0); }
    void run() override {
        for (ended_ = false; !ended_;) wait(-1);
    }
    void end() override { ended_ = true; }

private:
    void wait(int timeout) {
        int left = poll(polled_.data(), polled_.size(), timeout);
        for (std::size_t i = 0; left > 0; ++i) {
            if (polled_[i].revents == 0) continue;
            --left;
            watchers_[i].call();
        }
    }

    std::vector<Watcher> watchers_;
    std::vector<pollfd> polled_;
    bool ended_ = false;
};

class BareSelect final : public Watching {
public:
    explicit BareSelect(TokenRing& ring) : watchers_{make_watchers(ring.size(), ring)} {}

    void add(std::span<const int> fds) override {
        for (std::size_t i = 0; i < fds.size(); ++i) {
            if (fds[i] >= FD_SETSIZE) refuse("select", "descriptor beyond FD_SETSIZE");
            const auto fd = static_cast<std::size_t>(fds[i]);
            watched_[fd / bits] |= 1UL << (fd % bits);
            place_of_[fd] = i;
            end_fd_ = std::max(end_fd_, fds[i] + 1);
        }
        fds_.assign(fds.begin(), fds.end());
    }
    void remove() override {
        close_all(std::exchange(fds_, {}));
        watched_ = {};
        end_fd_ = 0;
    }
    void turn() override {
        timeval at_once{};
        wait(&at_once);
    }
    void run() override {
        for (ended_ = false; !ended_;) wait(nullptr);
    }
    void end() override { ended_ = true; }

private:
    void wait(timeval* timeout) {
        Words ready = watched_;
        int left = select(end_fd_, reinterpret_cast<fd_set*>(&ready), nullptr, nullptr, timeout);
        for (std::size_t word = 0; left > 0; ++word)
            for (unsigned long set = ready[word]; set != 0; set &= set - 1, --left)
                watchers_[place_of_[word * bits + static_cast<std::size_t>(std::countr_zero(set))]]
                    .call();
    }

    static constexpr int bits = 8 * sizeof(unsigned long);
    using Words = std::array<unsigned long, FD_SETSIZE / bits>;
    static_assert(sizeof(Words) == sizeof(fd_set));

    std::vector<Watcher> watchers_;
    Words watched_{};
    std::array<std::size_t, FD_SETSIZE> place_of_{};
    std::vector<int> fds_;
    int end_fd_ = 0;
    bool ended_ = false;
};

class BareMailbox final : public Mailbox {
public:
    explicit BareMailbox(Job job) : job_{job} {
        epoll_event event{.events = EPOLLIN, .data = {.fd = wake_.get()}};
        pollux::check(epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, wake_.get(), &event), "epoll_ctl");
    }

    void post(std::uint64_t times) override {
        for (; times > 0; --times)
            if (queue_.push(job_)) eventfd_write(wake_.get(), 1);
    }
    void run() override {
        for (ended_ = false; !ended_;) {
            epoll_event event;
            eventfd_t count;
            if (epoll_wait(epoll_.get(), &event, 1, -1) != 1) continue;
            eventfd_read(wake_.get(), &count);
            queue_.run_all();
        }
    }
    void end() override { ended_ = true; }

private:
    pollux::Fd epoll_{pollux::check(epoll_create1(EPOLL_CLOEXEC), "epoll_create1")};
    pollux::Fd wake_{pollux::check(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd")};
    JobQueue queue_;
    Job job_;
    bool ended_ = false;
};

std::unique_ptr<Watching> make_watching(std::string_view facility, TokenRing& ring) {
    if (facility == "epoll") return std::make_unique<BareEpoll>(ring);
    if (facility == "poll") return std::make_unique<BarePoll>(ring);
    if (facility == "select") return std::make_unique<BareSelect>(ring);
    refuse("bare", facility);
}

} // namespace

Library library() {
    utsname system{};
    pollux::check(uname(&system), "uname");
    return {.name = "bare",
            .version = std::string{system.sysname} + ' ' + system.release,
            .watching = make_watching,
            .timers = nullptr,
            .mailbox = [](Way way, Job job) -> std::unique_ptr<Mailbox> {
                if (way != Way::queue) refuse("bare", "that way to post");
                return std::make_unique<BareMailbox>(job);
            }};
}

} // namespace peers
