#pragma once

#include <chrono>
#include <cstdint>

namespace pollux {

/// How long the kernel itself looks at the queues of network cards, in a wait of epoll, before it
/// sleeps until an interrupt comes (ioctl_eventpoll(2); Linux 6.9). It is for cards whose drivers
/// know NAPI; loopback and Unix sockets gain nothing by it, for these see `LoopOptions::spin`. Of
/// `Backend::adaptive` the waits that it makes on epoll look so.
struct BusyPoll {
    /// 0: not at all.
    std::chrono::microseconds time{0};
    /// Packets taken from a queue at a time. More than 64 is for CAP_NET_ADMIN. 0: the kernel's
    /// own, which is 8.
    std::uint16_t budget = 0;
    /// Rather look than let the card interrupt, where it is set up for that.
    bool preferred = false;

    friend bool operator==(const BusyPoll&, const BusyPoll&) = default;
};

/// Has the epoll behind that descriptor (`Reactor::descriptor`) look so. Throws
/// `std::system_error`: ENOTSUP (-1: the backend has no epoll; or a kernel built without it),
/// ENOTTY (no epoll, or an older kernel), EBADF, EPERM (budget), EINVAL (less than no time, or more
/// than 2^31-1 microseconds).
void set_busy_poll(int epoll, const BusyPoll& wanted);

/// What is set there. Throws in the same way.
BusyPoll busy_poll_of(int epoll);

} // namespace pollux
