#include <algorithm>
#include <poll.h>

#include "instruments/epoll_set.hpp"
#include "instruments/simulated_kernel.hpp"

namespace pollux::simulated {
namespace {

// What select(2) makes of poll's bits (POLLIN_SET, POLLOUT_SET, POLLEX_SET of fs/select.c).
constexpr std::uint32_t readable_bits = POLLIN | POLLHUP | POLLERR;
constexpr std::uint32_t writable_bits = POLLOUT | POLLERR;
constexpr std::uint32_t urgent_bits = POLLPRI;

std::optional<Time> time_of(const timespec* limit) {
    if (limit == nullptr) return std::nullopt;
    constexpr std::int64_t most_seconds = 1'000'000'000;
    if (limit->tv_sec >= most_seconds) return std::chrono::seconds{most_seconds};
    return std::chrono::seconds{limit->tv_sec} + Time{limit->tv_nsec};
}

} // namespace

/// A descriptor asked about by poll or select.
struct SimulatedKernel::Asked {
    OpenFile* file;
    std::uint32_t bits;
    std::uint32_t found;
};

// Simulated, or a stand-in for one of the real kernel; null when it is not open.
OpenFile* SimulatedKernel::watched(int fd) {
    if (world_.is_ours(fd)) return world_.at(fd);
    if (Kernel::fcntl(fd, F_GETFD, 0) < 0) return nullptr;
    RealFile*& file = foreign_[fd];
    if (file == nullptr) file = &world_.make<RealFile>(fd, false);
    return file;
}

Result SimulatedKernel::wait_for_any(std::vector<Asked>& asked, std::optional<Time> timeout) {
    const auto look = [&] {
        Result found = 0;
        for (Asked& one : asked) {
            one.found = one.file == nullptr ? POLLNVAL : one.file->state() & one.bits;
            if (one.found != 0) ++found;
        }
        return found;
    };
    if (world_.options.vary.spurious) {
        look();
        std::vector<Asked*> possible;
        for (Asked& one : asked)
            if (one.found == 0 && (one.file->may_be_spurious() & one.bits) != 0)
                possible.push_back(&one);
        if (const std::size_t chosen =
                world_.choose("who is reported ready and is not", possible.size() + 1)) {
            Asked& one = *possible[chosen - 1];
            const Result found = look() + 1;
            one.found = one.file->may_be_spurious() & one.bits;
            return found;
        }
    }
    Result found = 0;
    const Result waited = world_.wait(timeout, [&] { return (found = look()) > 0; });
    return waited > 0 ? found : waited;
}

int SimulatedKernel::ppoll(pollfd* fds, nfds_t count, const timespec* timeout,
                           const sigset_t* /*mask*/) noexcept {
    return static_cast<int>(call("ppoll", -1, [&] {
        std::vector<Asked> asked;
        std::vector<pollfd*> entries;
        for (pollfd* entry = fds; entry != fds + count; ++entry) {
            entry->revents = 0;
            if (entry->fd < 0) continue;
            asked.push_back({.file = watched(entry->fd),
                             .bits = static_cast<std::uint16_t>(entry->events) |
                                     std::uint32_t{POLLERR | POLLHUP},
                             .found = 0});
            entries.push_back(entry);
        }
        const Result found = wait_for_any(asked, time_of(timeout));
        for (std::size_t place = 0; found > 0 && place < asked.size(); ++place)
            entries[place]->revents = static_cast<short>(asked[place].found);
        return found;
    }));
}

int SimulatedKernel::pselect(int count, fd_set* readable, fd_set* writable, fd_set* urgent,
                             const timespec* timeout, const sigset_t* /*mask*/) noexcept {
    return static_cast<int>(call("pselect", -1, [&]() -> Result {
        std::vector<Asked> asked;
        std::vector<int> numbers;
        const auto is_in = [](int fd, fd_set* set) { return set != nullptr && FD_ISSET(fd, set); };
        for (int fd = 0; fd < count; ++fd) {
            const std::uint32_t bits = (is_in(fd, readable) ? readable_bits : 0) |
                                       (is_in(fd, writable) ? writable_bits : 0) |
                                       (is_in(fd, urgent) ? urgent_bits : 0);
            if (bits == 0 || world_.is_beyond_table(fd)) continue;
            asked.push_back({.file = watched(fd), .bits = bits, .found = 0});
            numbers.push_back(fd);
            if (asked.back().file == nullptr) return -EBADF;
        }
        const Result waited = wait_for_any(asked, time_of(timeout));
        if (waited < 0) return waited;
        Result found = 0;
        for (std::size_t place = 0; place < asked.size(); ++place) {
            const auto settle = [&](fd_set* set, std::uint32_t bits) {
                if (!is_in(numbers[place], set)) return;
                if (waited > 0 && (asked[place].found & bits) != 0)
                    ++found;
                else
                    FD_CLR(numbers[place], set);
            };
            settle(readable, readable_bits);
            settle(writable, writable_bits);
            settle(urgent, urgent_bits);
        }
        return found;
    }));
}

// There is none: a program that asks for it falls back, or says so. Simulated, it would be another
// kernel's worth of rules for what epoll shows already.
int SimulatedKernel::io_uring_setup(unsigned /*entries*/,
                                    io_uring_params* /*parameters*/) noexcept {
    return static_cast<int>(call("io_uring_setup", -1, []() -> Result { return -ENOSYS; }));
}

int SimulatedKernel::epoll_create1(int /*flags*/) noexcept {
    return static_cast<int>(
        call("epoll_create1", -1, [&] { return open_file(world_.make<EpollSet>(), false); }));
}

int SimulatedKernel::epoll_ctl(int epoll, int operation, int fd, epoll_event* event) noexcept {
    return static_cast<int>(call("epoll_ctl", fd, [&]() -> Result {
        OpenFile* const file = watched(fd);
        if (file == nullptr || world_.at(epoll) == nullptr) return -EBADF;
        auto* const set = dynamic_cast<EpollSet*>(world_.at(epoll));
        return set == nullptr ? -EINVAL : set->control(operation, fd, *file, event);
    }));
}

Result SimulatedKernel::epoll_wait_for(int epoll, epoll_event* events, int capacity,
                                       std::optional<Time> timeout) {
    return on_file("epoll_wait", epoll, [&](OpenFile& file) -> Result {
        auto* const set = dynamic_cast<EpollSet*>(&file);
        return set == nullptr ? -EINVAL : set->wait(events, capacity, timeout);
    });
}

int SimulatedKernel::epoll_wait(int epoll, epoll_event* events, int capacity,
                                int milliseconds) noexcept {
    const auto timeout = milliseconds < 0
                             ? std::nullopt
                             : std::optional<Time>{std::chrono::milliseconds{milliseconds}};
    return static_cast<int>(epoll_wait_for(epoll, events, capacity, timeout));
}

int SimulatedKernel::epoll_pwait2(int epoll, epoll_event* events, int capacity,
                                  const timespec* timeout, const sigset_t* /*mask*/) noexcept {
    return static_cast<int>(epoll_wait_for(epoll, events, capacity, time_of(timeout)));
}

int SimulatedKernel::clock_gettime(clockid_t clock, timespec* now) noexcept {
    static_cast<void>(clock); // all of them go alike
    *now = {.tv_sec = world_.now.count() / 1'000'000'000,
            .tv_nsec = world_.now.count() % 1'000'000'000};
    return 0;
}

int SimulatedKernel::sigtimedwait(const sigset_t* set, siginfo_t* found,
                                  const timespec* timeout) noexcept {
    return static_cast<int>(call("sigtimedwait", -1, [&]() -> Result {
        const auto pending = [&] {
            return std::ranges::find_if(world_.signals,
                                        [&](int signal) { return sigismember(set, signal) == 1; });
        };
        const Result waited =
            world_.wait(time_of(timeout), [&] { return pending() != world_.signals.end(); });
        if (waited == 0) return -EAGAIN;
        if (waited < 0) return waited;
        const int signal = *pending();
        world_.signals.erase(signal);
        if (found != nullptr) {
            *found = {};
            found->si_signo = signal;
        }
        return signal;
    }));
}

} // namespace pollux::simulated
