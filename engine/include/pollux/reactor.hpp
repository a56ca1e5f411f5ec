#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace pollux {

/// What is asked of a descriptor. Never nothing: hang-up and error cannot be masked (poll(2),
/// epoll_ctl(2)), so whoever wants nothing removes the registration.
enum class Interest : std::uint8_t {
    read = 1,
    write = 2,
    read_write = 3,
    urgent = 4, ///< Out-of-band data of TCP, and other exceptional conditions of poll(2) POLLPRI.
};
constexpr Interest operator|(Interest a, Interest b) noexcept {
    return static_cast<Interest>(static_cast<unsigned>(a) | static_cast<unsigned>(b));
}
constexpr bool has(Interest set, Interest part) noexcept {
    return (static_cast<unsigned>(set) & static_cast<unsigned>(part)) != 0;
}

/// When a ready descriptor is reported again.
enum class Trigger : std::uint8_t {
    level,    ///< On every wait, for as long as it is ready.
    edge,     ///< Once per change: read or write until it would block. epoll only.
    one_shot, ///< Once; then silent, hang-up included, until the next `modify`.
    /// As level, for an open file that several reactors watch, each in a thread of its own: what
    /// becomes ready wakes one of those that wait, or a few, not all (epoll_ctl(2) EPOLLEXCLUSIVE;
    /// Linux 4.5). For listeners and their like: `peer_closed` is not reported, `Interest::urgent`
    /// is refused. It cannot be modified, only removed and added. epoll only.
    exclusive,
};

/// What was found. `readable` means that a read will not block: data, end of stream, error or a
/// pending accept; `writable` likewise for a write. Both are derived from the kernel's bits as
/// select(2) derives them (POLLIN_SET and POLLOUT_SET in its "Correspondence between select() and
/// poll() notifications"), so that the three facilities agree. The other bits are hints as far as
/// the facility can tell: the truth comes from read, write and SO_ERROR.
enum class Readiness : std::uint8_t {
    none = 0,
    readable = 1,
    writable = 2,
    urgent = 4,
    peer_closed = 8, ///< The peer ended its sending side (EPOLLRDHUP). Asked for with `read` only.
    hang_up = 16,    ///< Both sides have ended, or the other end of a pipe is gone.
    error = 32,      ///< An error is pending, or the descriptor itself is bad.
};
constexpr Readiness operator|(Readiness a, Readiness b) noexcept {
    return static_cast<Readiness>(static_cast<unsigned>(a) | static_cast<unsigned>(b));
}
constexpr Readiness operator&(Readiness a, Readiness b) noexcept {
    return static_cast<Readiness>(static_cast<unsigned>(a) & static_cast<unsigned>(b));
}
/// True when `set` has any of the bits of `part`.
constexpr bool has(Readiness set, Readiness part) noexcept {
    return (set & part) != Readiness::none;
}

/// The mark that a registration carries and its events bring back. Opaque to a reactor.
enum class Token : std::uint64_t {};

/// One ready descriptor. May say readable or writable beyond what was asked for, when an error or
/// a hang-up made it so.
struct Event {
    Token token;
    Readiness ready;
};

/// How long a wait may take, in nanoseconds; zero or less looks and returns at once.
using Timeout = std::chrono::nanoseconds;

/// Waits until something is ready.
inline constexpr Timeout forever = Timeout::max();

/// The readiness seam: which descriptors are watched, and which of them are ready. select(2),
/// poll(2) and epoll(7) stand behind it. It calls nobody, knows no timers and no threads: one
/// thread at a time may use a reactor.
///
/// A descriptor must be removed before it is closed or replaced by dup2(2): the kernel's
/// facilities then disagree about what is still watched.
class Reactor {
public:
    Reactor() = default;
    Reactor(const Reactor&) = delete;
    Reactor& operator=(const Reactor&) = delete;
    virtual ~Reactor() = default;

    /// Watches `fd`, which stays the caller's. What is ready already is reported by the next wait.
    /// Throws `std::system_error`: EEXIST (watched already), EBADF (no open descriptor), ENOTSUP
    /// (trigger refused), ERANGE (does not fit: select takes numbers below FD_SETSIZE), EPERM (the
    /// kernel cannot wait for it: epoll with regular files), EINVAL (exclusive, and urgent),
    /// ENOMEM, ENOSPC (epoll_ctl(2)).
    virtual void add(int fd, Token token, Interest interest, Trigger trigger) = 0;

    /// Replaces mark, interest and trigger of a watched descriptor. Arms a one-shot registration
    /// again; an edge registration reports what is ready now once more. Throws as `add`, and
    /// ENOENT (not watched), EINVAL (from or to `Trigger::exclusive`); the registration is then as
    /// it was. For a descriptor that was closed
    /// behind it only epoll throws EBADF: select and poll report an error by the next wait.
    virtual void modify(int fd, Token token, Interest interest, Trigger trigger) = 0;

    /// Stops watching. False: it was not watched, or the kernel had forgotten it (closed before).
    virtual bool remove(int fd) noexcept = 0;

    /// Waits for at most `timeout`, never shorter unless something is ready or a signal handler
    /// ran, and returns what is ready: empty when nothing is. At most one event for each
    /// registration. The span is valid until the next wait. Throws `std::system_error` when the
    /// kernel refuses to wait (ENOMEM: short of memory). Nothing is lost then, and the next wait
    /// may be granted.
    virtual std::span<const Event> wait(Timeout timeout) = 0;

    /// This thread will not wait here for a while, and may end. What is watched stays watched, but
    /// nothing of it is bound to the thread: a facility whose requests belong to the thread that
    /// made them (io_uring) withdraws these, and the next wait, in any thread, makes them anew.
    virtual void leave_thread() noexcept {}

    /// Whether `add` and `modify` take this trigger.
    virtual bool supports(Trigger trigger) const noexcept = 0;

    /// A descriptor that is readable while events wait here, so that another loop can watch this
    /// one; -1 where the facility has none. It stays the reactor's.
    virtual int descriptor() const noexcept = 0;

    /// The name of the facility: "select", "poll", "epoll", "adaptive", "io_uring".
    virtual std::string_view name() const noexcept = 0;
};

/// "level", "edge", "one-shot", "exclusive".
std::string_view to_string(Trigger trigger) noexcept;
/// The trigger of that name, for those that suit every descriptor: not "exclusive". Throws
/// `std::invalid_argument` that lists the names.
Trigger parse_trigger(std::string_view name);

/// For messages and logs: "read|write", "readable|hang_up", "none".
std::string to_string(Interest interest);
std::string to_string(Readiness ready);

} // namespace pollux
