#include "poller.hpp"

#include <algorithm>
#include <cerrno>
#include <sstream>

#include "clock.hpp"
#include "dialer.hpp"

namespace load {

std::string seconds_text(std::chrono::nanoseconds duration) {
    std::ostringstream text;
    text << std::chrono::duration<double>{duration}.count() << " s";
    return text.str();
}

Poller::Poller(const Options& options)
    : epoll_(epoll_create1(EPOLL_CLOEXEC)), spin_(options.spin), patience_(options.patience) {
    if (!epoll_.is_open()) fail("epoll_create1");
}

void Poller::control(int operation, int fd, std::size_t index, std::uint32_t events) {
    epoll_event event{.events = events, .data = {.u64 = index}};
    if (epoll_ctl(epoll_.get(), operation, fd, &event) < 0) fail("epoll_ctl");
}

void Poller::add(int fd, std::size_t index, std::uint32_t events) {
    control(EPOLL_CTL_ADD, fd, index, events);
}

void Poller::modify(int fd, std::size_t index, std::uint32_t events) {
    control(EPOLL_CTL_MOD, fd, index, events);
}

void Poller::remove(int fd) noexcept { epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr); }

// epoll_pwait2 for its nanoseconds: an open loop that slept whole milliseconds would send bursts.
std::size_t Poller::ask(std::int64_t nanoseconds) {
    const timespec timeout{.tv_sec = nanoseconds / 1'000'000'000,
                           .tv_nsec = nanoseconds % 1'000'000'000};
    const int count = epoll_pwait2(epoll_.get(), events_.data(), static_cast<int>(events_.size()),
                                   &timeout, nullptr);
    if (count < 0 && errno != EINTR) fail("epoll_pwait2");
    return count > 0 ? static_cast<std::size_t>(count) : 0;
}

std::span<const epoll_event> Poller::wait_until(std::int64_t time) {
    const std::int64_t began = now();
    std::size_t found = ask(spin_ ? 0 : std::max<std::int64_t>(0, time - began));
    if (spin_ && found > 0) return std::span{events_}.first(found);
    std::int64_t ended = now();
    while (found == 0 && ended < time) {
        found = ask(spin_ ? 0 : time - ended);
        ended = now();
    }
    idle_ += ended - began;
    return std::span{events_}.first(found);
}

std::span<const epoll_event> Poller::wait() {
    const auto events = wait_until(now() + patience_.count());
    if (events.empty()) throw Failure{"the server did nothing for " + seconds_text(patience_)};
    return events;
}

} // namespace load
