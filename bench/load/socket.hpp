#pragma once

#include <cstddef>
#include <string>
#include <sys/epoll.h>
#include <utility>
#include <vector>

#include "options.hpp"

namespace load {

/// An owned descriptor.
class Fd {
public:
    explicit Fd(int fd) noexcept : fd_(fd) {}
    Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    Fd& operator=(Fd&& other) noexcept {
        std::swap(fd_, other.fd_);
        return *this;
    }
    ~Fd();
    int get() const noexcept { return fd_; }

private:
    int fd_;
};

/// Throws `Failure`: what, and what errno says.
[[noreturn]] void fail(const std::string& what);

/// Lets this process open as many descriptors as its hard limit says, and throws when that is not
/// enough for so many connections.
void make_room_for(std::size_t connections);

/// Appends connected non-blocking sockets without Nagle's delay. Throws `Failure` and leaves those
/// that are connected until then.
void connect_all(const Options& options, std::vector<Fd>& sockets);

/// What the sockets send and must get back: a byte for every position of the stream, without a
/// period that a message size or a buffer divides, so that a byte lost or doubled is seen.
class Pattern {
public:
    /// Of answers that are the same bytes, or the same in upper case.
    explicit Pattern(bool upper);
    static constexpr std::size_t longest = 65536; ///< What both functions give at most.
    /// The bytes from this position of the stream on.
    const char* at(std::uint64_t position) const noexcept {
        return &bytes_[static_cast<std::size_t>(position % period)];
    }
    /// And what must come back for them.
    const char* answer_at(std::uint64_t position) const noexcept {
        return &answers_[static_cast<std::size_t>(position % period)];
    }

private:
    static constexpr std::size_t period = 65521;
    std::vector<char> bytes_;
    std::vector<char> answers_;
};

/// A bare epoll set, level-triggered; the mark is the index of the connection.
class Poller {
public:
    explicit Poller(const Options& options);
    void add(int fd, std::size_t index, std::uint32_t events);
    void modify(int fd, std::size_t index, std::uint32_t events);
    void remove(int fd) noexcept;
    /// Throws `Failure` when nothing happens for `patience`.
    const std::vector<epoll_event>& wait();
    std::size_t found() const noexcept { return found_; }

private:
    void control(int operation, int fd, std::size_t index, std::uint32_t events);

    Fd epoll_;
    bool spin_;
    std::chrono::nanoseconds patience_;
    std::size_t found_ = 0;
    std::vector<epoll_event> events_ = std::vector<epoll_event>(1024);
};

} // namespace load
