// What each call can give, by its manual page, to a program that makes no mistake.

#include <array>
#include <cerrno>
#include <netdb.h>
#include <pollux/instruments/fault_plan.hpp>

namespace pollux {
namespace {

using Errors = std::span<const int>;

constexpr std::array memory{ENOMEM};
constexpr std::array no_descriptor{EMFILE, ENFILE, ENOMEM};
constexpr std::array interrupted{EINTR};
constexpr std::array interrupted_or_memory{EINTR, ENOMEM};

constexpr std::array close_errors{EINTR, EIO};
constexpr std::array fcntl_errors{EMFILE};
constexpr std::array open_errors{EMFILE, ENFILE, ENOMEM, EINTR};
constexpr std::array fchmod_errors{EPERM, EIO, EROFS};
constexpr std::array lstat_errors{ENOENT, EACCES, ENOMEM};
constexpr std::array unlink_errors{ENOENT, EACCES, EPERM, EBUSY, EIO, EROFS};
constexpr std::array pthread_create_errors{EAGAIN};
constexpr std::array setaffinity_errors{EINVAL}; // the processor has gone
constexpr std::array madvise_errors{ENOMEM, EAGAIN, EINVAL};

// EPERM: forbidden by the sysctl kernel.io_uring_disabled, or by a filter.
constexpr std::array ring_errors{EMFILE, ENFILE, ENOMEM, ENOSYS, EPERM, EINVAL};
constexpr std::array enter_errors{EINTR, EAGAIN};

constexpr std::array epoll_ctl_errors{ENOMEM, ENOSPC};
constexpr std::array pwait2_errors{EINTR, ENOSYS, EPERM}; // before Linux 5.11; kept out by a filter

constexpr std::array socket_errors{EMFILE, ENFILE, ENOBUFS, ENOMEM, EAFNOSUPPORT, EACCES};
constexpr std::array bind_errors{EADDRINUSE, EADDRNOTAVAIL, EACCES, ENOMEM};
constexpr std::array listen_errors{EADDRINUSE};
constexpr std::array accept_errors{
    EINTR,    ECONNABORTED, EMFILE,    ENFILE, ENOBUFS,    ENOMEM,      EPROTO,       EPERM,
    ENETDOWN, ENOPROTOOPT,  EHOSTDOWN, ENONET, EOPNOTSUPP, ENETUNREACH, EHOSTUNREACH, ETIMEDOUT};
constexpr std::array connect_errors{ECONNREFUSED,  ENETUNREACH, EHOSTUNREACH, ETIMEDOUT,
                                    EADDRNOTAVAIL, EAGAIN,      EACCES,       EPERM,
                                    EINTR,         EINPROGRESS};
constexpr std::array no_buffers{ENOBUFS};
constexpr std::array peer_name_errors{ENOTCONN, ENOBUFS};
constexpr std::array set_option_errors{ENOBUFS, ENOMEM};
constexpr std::array interface_index_errors{ENODEV};
constexpr std::array interface_name_errors{ENXIO};
constexpr std::array resolve_errors{EAI_AGAIN, EAI_FAIL, EAI_MEMORY, EAI_NONAME};

constexpr std::array read_errors{EINTR, EIO};
constexpr std::array write_errors{EINTR, EPIPE};
constexpr std::array receive_errors{EINTR, ECONNRESET, ETIMEDOUT, EHOSTUNREACH, ENOMEM};
constexpr std::array send_errors{EINTR,        EPIPE,   ECONNRESET, ETIMEDOUT,
                                 EHOSTUNREACH, ENOBUFS, ENOMEM};
constexpr std::array receive_message_errors{EINTR, ECONNRESET, ECONNREFUSED, EHOSTUNREACH, ENOMEM};
constexpr std::array send_message_errors{EINTR,        ECONNRESET, ECONNREFUSED, ENETUNREACH,
                                         EHOSTUNREACH, ENOBUFS,    ENOMEM,       EPERM};
constexpr std::array sendfile_errors{EINTR, EIO, ENOMEM, EPIPE, ECONNRESET, EINVAL};
constexpr std::array splice_errors{EINTR, ENOMEM, EPIPE, ECONNRESET, EINVAL};

constexpr std::array sigtimedwait_errors{EAGAIN, EINTR};
constexpr std::array fork_errors{EAGAIN, ENOMEM};
constexpr std::array spawn_errors{EAGAIN, ENOMEM, ENOENT, EACCES};
constexpr std::array pidfd_open_errors{EMFILE, ENFILE, ENOMEM, ENOSYS};
constexpr std::array pidfd_send_errors{ESRCH, EPERM, ENOSYS};
constexpr std::array kill_errors{ESRCH, EPERM};
constexpr std::array waitid_errors{EINTR, ECHILD};

struct Row {
    std::string_view call;
    Errors errors;
};
// Those that are missing here cannot fail. Nor can shutdown: ENOTCONN is what it says of a
// connection that the peer has reset. Said of any other, the peer would wait for an end that nobody
// sends.
constexpr Row rows[]{{"close", close_errors},
                     {"fcntl", fcntl_errors},
                     {"open", open_errors},
                     {"fchmod", fchmod_errors},
                     {"lstat", lstat_errors},
                     {"unlink", unlink_errors},
                     {"eventfd", no_descriptor},
                     {"signalfd", no_descriptor},
                     {"pthread_create", pthread_create_errors},
                     {"pthread_setaffinity_np", setaffinity_errors},
                     {"mmap", memory},
                     {"madvise", madvise_errors},
                     {"io_uring_setup", ring_errors},
                     {"io_uring_enter", enter_errors},
                     {"epoll_create1", no_descriptor},
                     {"epoll_ctl", epoll_ctl_errors},
                     {"epoll_wait", interrupted},
                     {"epoll_pwait2", pwait2_errors},
                     {"ppoll", interrupted_or_memory},
                     {"pselect", interrupted_or_memory},
                     {"socket", socket_errors},
                     {"socketpair", no_descriptor},
                     {"bind", bind_errors},
                     {"listen", listen_errors},
                     {"accept4", accept_errors},
                     {"connect", connect_errors},
                     {"getsockname", no_buffers},
                     {"getpeername", peer_name_errors},
                     {"getsockopt", no_buffers},
                     {"setsockopt", set_option_errors},
                     {"if_nametoindex", interface_index_errors},
                     {"if_indextoname", interface_name_errors},
                     {"getaddrinfo", resolve_errors},
                     {"getnameinfo", resolve_errors},
                     {"read", read_errors},
                     {"write", write_errors},
                     {"recv", receive_errors},
                     {"send", send_errors},
                     {"sendto", send_message_errors},
                     {"recvmsg", receive_message_errors},
                     {"recvmmsg", receive_message_errors},
                     {"sendmmsg", send_message_errors},
                     {"sendmsg", send_message_errors},
                     {"sendfile", sendfile_errors},
                     {"splice", splice_errors},
                     {"pipe2", no_descriptor},
                     {"sigtimedwait", sigtimedwait_errors},
                     {"fork", fork_errors},
                     {"posix_spawnp", spawn_errors},
                     {"pidfd_open", pidfd_open_errors},
                     {"pidfd_send_signal", pidfd_send_errors},
                     {"kill", kill_errors},
                     {"waitid", waitid_errors},
                     {"new", memory}};

} // namespace

Errors errors_of(std::string_view call) noexcept {
    for (const Row& row : rows)
        if (row.call == call) return row.errors;
    return {};
}

} // namespace pollux
