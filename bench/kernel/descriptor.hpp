#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace kernel {

/// The result of a call, unless it failed: then throws `std::system_error` with errno.
long check(long result, const char* call);

/// An owned descriptor.
class Descriptor {
public:
    Descriptor() noexcept = default;
    explicit Descriptor(long fd) noexcept : fd_{static_cast<int>(fd)} {}
    Descriptor(Descriptor&& other) noexcept : fd_{std::exchange(other.fd_, -1)} {}
    Descriptor& operator=(Descriptor&& other) noexcept {
        std::swap(fd_, other.fd_);
        return *this;
    }
    ~Descriptor();
    int get() const noexcept { return fd_; }

private:
    int fd_ = -1;
};

/// Lets the process open as many descriptors as its hard limit says.
void raise_descriptor_limit();

/// Non-blocking eventfds: the smallest thing that can be ready.
std::vector<Descriptor> open_eventfds(std::size_t count);
void signal(int eventfd);
/// What was counted; 0 when nothing was.
std::uint64_t take(int eventfd);

/// A new epoll set; `watch` adds to one, and gives the descriptor back with its events.
Descriptor make_epoll();
void watch(int epoll, int fd, std::uint32_t events);

} // namespace kernel
