#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <sys/epoll.h>
#include <vector>

#include "fd.hpp"
#include "options.hpp"

namespace load {

/// "0.2 s".
std::string seconds_text(std::chrono::nanoseconds duration);

/// A bare epoll set, level-triggered; the mark is the index of the connection. All of it throws
/// `Failure`.
class Poller {
public:
    explicit Poller(const Options& options);
    void add(int fd, std::size_t index, std::uint32_t events);
    void modify(int fd, std::size_t index, std::uint32_t events);
    void remove(int fd) noexcept;

    /// What is ready; nothing when that moment has come first. Valid until the next call.
    std::span<const epoll_event> wait_until(std::int64_t time);

    /// What is ready. Throws when that is nothing for `patience`.
    std::span<const epoll_event> wait();

    /// For how many nanoseconds all waits together have lasted; when spinning, those alone that
    /// found nothing to do at first.
    std::int64_t idle() const noexcept { return idle_; }

private:
    void control(int operation, int fd, std::size_t index, std::uint32_t events);
    std::size_t ask(std::int64_t nanoseconds);

    Fd epoll_;
    bool spin_;
    std::chrono::nanoseconds patience_;
    std::int64_t idle_ = 0;
    std::vector<epoll_event> events_ = std::vector<epoll_event>(1024);
};

} // namespace load
