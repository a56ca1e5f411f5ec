#include "contestants.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <poll.h>
#include <pollux/error.hpp>
#include <pollux/event_loop.hpp>
#include <pollux/fd.hpp>
#include <pollux/reactor.hpp>
#include <stdexcept>
#include <string>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <unistd.h>
#include <utility>

namespace contest {

// Out of line, so that no compiler makes the loops around it something that no real loop is.
[[gnu::noinline]] void count_event(void* counter) noexcept {
    ++*static_cast<std::uint64_t*>(counter);
}

namespace {

// What a bare loop keeps for a descriptor.
struct Watcher {
    void (*callback)(void*) noexcept;
    void* argument;
    void call() const noexcept { callback(argument); }
};
using Watchers = std::vector<Watcher>;

Watchers make_watchers(std::size_t count, std::uint64_t* counter) {
    return Watchers(count, {count_event, counter});
}

class BareEpoll final : public Contestant {
public:
    BareEpoll(std::span<const int> fds, std::uint64_t* counter)
        : watchers_(make_watchers(fds.size(), counter)) {
        for (std::size_t i = 0; i < fds.size(); ++i) {
            epoll_event event{.events = EPOLLIN, .data = {.ptr = &watchers_[i]}};
            pollux::check(epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fds[i], &event), "epoll_ctl");
        }
    }

    void run(std::uint64_t turns) override {
        for (; turns > 0; --turns) {
            const int count = epoll_wait(epoll_.get(), events_.data(), capacity, 0);
            for (int i = 0; i < count; ++i)
                static_cast<const Watcher*>(events_[static_cast<std::size_t>(i)].data.ptr)->call();
        }
    }

private:
    static constexpr int capacity = 1024;
    pollux::Fd epoll_{pollux::check(epoll_create1(EPOLL_CLOEXEC), "epoll_create1")};
    Watchers watchers_;
    std::vector<epoll_event> events_ = std::vector<epoll_event>(capacity);
};

class BarePoll final : public Contestant {
public:
    BarePoll(std::span<const int> fds, std::uint64_t* counter)
        : watchers_(make_watchers(fds.size(), counter)) {
        for (const int fd : fds) polled_.push_back({.fd = fd, .events = POLLIN, .revents = 0});
    }

    void run(std::uint64_t turns) override {
        for (; turns > 0; --turns) {
            int left = poll(polled_.data(), polled_.size(), 0);
            for (std::size_t i = 0; left > 0; ++i) {
                if (polled_[i].revents == 0) continue;
                --left;
                watchers_[i].call();
            }
        }
    }

private:
    Watchers watchers_;
    std::vector<pollfd> polled_;
};

class BareSelect final : public Contestant {
public:
    BareSelect(std::span<const int> fds, std::uint64_t* counter)
        : watchers_(make_watchers(FD_SETSIZE, counter)) {
        for (const int fd : fds) {
            if (fd >= FD_SETSIZE)
                throw std::out_of_range{"descriptor " + std::to_string(fd) +
                                        " does not fit into an fd_set"};
            watched_[static_cast<std::size_t>(fd) / bits] |= 1UL << (fd % bits);
            end_ = std::max(end_, fd + 1);
        }
    }

    void run(std::uint64_t turns) override {
        for (; turns > 0; --turns) {
            Words ready = watched_;
            int left = select(end_, reinterpret_cast<fd_set*>(&ready), nullptr, nullptr, &at_once_);
            for (std::size_t word = 0; left > 0; ++word)
                for (unsigned long set = ready[word]; set != 0; set &= set - 1, --left)
                    watchers_[word * bits + static_cast<std::size_t>(std::countr_zero(set))].call();
        }
    }

private:
    static constexpr int bits = 8 * sizeof(unsigned long);
    using Words = std::array<unsigned long, FD_SETSIZE / bits>;
    static_assert(sizeof(Words) == sizeof(fd_set));

    Watchers watchers_;
    Words watched_{};
    int end_ = 0;
    timeval at_once_{};
};

std::unique_ptr<Contestant> make_bare(pollux::Backend backend, std::span<const int> fds,
                                      std::uint64_t* counter) {
    switch (backend) {
    case pollux::Backend::select:
        return std::make_unique<BareSelect>(fds, counter);
    case pollux::Backend::poll:
        return std::make_unique<BarePoll>(fds, counter);
    case pollux::Backend::epoll:
        return std::make_unique<BareEpoll>(fds, counter);
    case pollux::Backend::adaptive:
    case pollux::Backend::io_uring:
        break;
    }
    throw std::invalid_argument{"no bare loop on this backend"};
}

class Seam final : public Contestant {
public:
    Seam(pollux::Backend backend, std::span<const int> fds, std::uint64_t* counter)
        : reactor_(pollux::make_reactor(backend)), watchers_(make_watchers(fds.size(), counter)) {
        for (std::size_t i = 0; i < fds.size(); ++i)
            reactor_->add(fds[i], pollux::Token{i}, pollux::Interest::read, pollux::Trigger::level);
    }

    void run(std::uint64_t turns) override {
        for (; turns > 0; --turns)
            for (const pollux::Event& event : reactor_->wait(pollux::Timeout::zero()))
                watchers_[static_cast<std::size_t>(event.token)].call();
    }

private:
    std::unique_ptr<pollux::Reactor> reactor_;
    Watchers watchers_;
};

class Loop : public Contestant {
public:
    Loop(pollux::Backend backend, std::span<const int> fds, std::uint64_t* counter)
        : loop_(backend) {
        for (const int fd : fds) watch(fd, [counter](pollux::Readiness) { count_event(counter); });
    }

    void run(std::uint64_t turns) override {
        for (; turns > 0; --turns) loop_.run_once(pollux::Timeout::zero());
    }

protected:
    void watch(int fd, pollux::ReadyFunction on_ready) {
        watches_.push_back(
            loop_.watch(fd, pollux::Interest::read, pollux::Trigger::level, std::move(on_ready)));
    }

    pollux::EventLoop loop_;

private:
    std::vector<pollux::Watch> watches_;
};

class Run final : public Loop {
public:
    Run(pollux::Backend backend, std::span<const int> fds, std::uint64_t* counter)
        : Loop(backend, fds.first(fds.size() - 1), counter) {
        // Of those that are ready in every turn, this one ends the run. That costs it six
        // instructions more than the others.
        watch(fds.back(), [this, counter](pollux::Readiness) {
            if (--turns_left_ == 0) [[unlikely]]
                loop_.stop();
            count_event(counter);
        });
    }

    void run(std::uint64_t turns) override {
        turns_left_ = turns;
        loop_.run();
    }

private:
    std::uint64_t turns_left_ = 0;
};

constexpr std::string_view names[] = {"bare", "seam", "loop", "run"};

void raise_descriptor_limit() {
    rlimit limit{};
    pollux::check(getrlimit(RLIMIT_NOFILE, &limit), "getrlimit");
    limit.rlim_cur = limit.rlim_max;
    pollux::check(setrlimit(RLIMIT_NOFILE, &limit), "setrlimit");
}

} // namespace

std::string_view to_string(Kind kind) noexcept { return names[static_cast<std::size_t>(kind)]; }

Kind parse_kind(std::string_view name) {
    for (const Kind kind : {Kind::bare, Kind::seam, Kind::loop, Kind::run})
        if (to_string(kind) == name) return kind;
    throw std::invalid_argument{"bare, seam, loop or run, not " + std::string{name}};
}

std::unique_ptr<Contestant> make_contestant(Kind kind, pollux::Backend backend,
                                            std::span<const int> fds, std::uint64_t* counter) {
    switch (kind) {
    case Kind::bare:
        return make_bare(backend, fds, counter);
    case Kind::seam:
        return std::make_unique<Seam>(backend, fds, counter);
    case Kind::loop:
        return std::make_unique<Loop>(backend, fds, counter);
    case Kind::run:
        return std::make_unique<Run>(backend, fds, counter);
    }
    throw std::invalid_argument{"no such contestant"};
}

Descriptors::Descriptors(std::size_t watched, std::size_t active) {
    raise_descriptor_limit();
    fds_.reserve(watched);
    for (std::size_t i = 0; i < watched; ++i)
        fds_.push_back(pollux::check(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd"));
    activate(active);
}

void Descriptors::activate(std::size_t active) {
    if (active > fds_.size()) throw std::invalid_argument{"more active than watched descriptors"};
    const auto is_among = [this](std::size_t i, std::size_t count) {
        return i * count / fds_.size() != (i + 1) * count / fds_.size();
    };
    for (std::size_t i = 0; i < fds_.size(); ++i) {
        eventfd_t value = 1;
        if (is_among(i, active) && !is_among(i, active_)) eventfd_write(fds_[i], value);
        if (!is_among(i, active) && is_among(i, active_)) eventfd_read(fds_[i], &value);
    }
    active_ = active;
}

Descriptors::~Descriptors() {
    for (const int fd : fds_) close(fd);
}

} // namespace contest
