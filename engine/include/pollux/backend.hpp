#pragma once

#include <memory>
#include <pollux/reactor.hpp>
#include <string_view>

namespace pollux {

/// The kernel facility behind a `Reactor`: the classic three, and two further ones.
enum class Backend : std::uint8_t {
    select,
    poll,
    epoll,
    adaptive, ///< poll or epoll, whichever costs less for what is ready.
    io_uring, ///< Poll requests of io_uring(7).
};

/// A reactor on that facility. Throws `std::system_error` when the kernel refuses: EMFILE, ENFILE,
/// ENOMEM; and where there is no io_uring: ENOSYS (built or run without it), EINVAL (before Linux
/// 5.19), EPERM (forbidden, by kernel.io_uring_disabled or a filter of system calls), and ENOMEM
/// also when a user without privileges has used up RLIMIT_MEMLOCK: a ring takes some 50 KiB of it,
/// and gives them back a moment after its end.
std::unique_ptr<Reactor> make_reactor(Backend backend);

/// The backend that the environment variable POLLUX_BACKEND names, else epoll. Throws
/// `std::invalid_argument` when the variable holds another word.
Backend default_backend();

/// "select", "poll", "epoll", "adaptive", "io_uring".
std::string_view to_string(Backend backend) noexcept;
/// The backend of that name. Throws `std::invalid_argument` that lists the names.
Backend parse_backend(std::string_view name);

} // namespace pollux
