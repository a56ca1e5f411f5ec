// The library `pollux_hooked` makes its system calls here. Each is counted, and a hook may answer
// in its place. What is left goes to the kernel of the thread.

#include "sys.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <pollux/instruments/call_hook.hpp>
#include <pollux/instruments/calls.hpp>
#include <tuple>
#include <type_traits>

#include "instruments/answerer.hpp"
#include "instruments/spurious.hpp"
#include "sys_kernel.hpp"

namespace pollux {
namespace {

struct Counters {
    std::atomic<std::uint64_t> made;
    std::atomic<std::uint64_t> would_block;
};
constinit std::array<Counters, call_names.size()> counters{};

template <std::size_t place, class... Args> int int_argument(Args... args) noexcept {
    if constexpr (sizeof...(Args) > place) {
        const auto argument = std::get<place>(std::tuple{args...});
        if constexpr (std::is_same_v<decltype(argument), const int>) return argument;
    }
    return -1;
}

// Its result is an error number, and errno is left alone.
constexpr bool returns_error(Call call) {
    return call == Call::pthread_create || call == Call::pthread_join ||
           call == Call::pthread_sigmask || call == Call::pthread_setaffinity_np ||
           call == Call::posix_spawnp;
}
constexpr bool resolves(Call call) {
    return call == Call::getaddrinfo || call == Call::getnameinfo;
}

// A short transfer: the first pieces of a vector or message, cut to a number of bytes.
std::array<iovec, 64> cut_pieces(const iovec* pieces, std::size_t& count, std::size_t bytes) {
    std::array<iovec, 64> cut{};
    std::size_t used = 0;
    for (; used < std::min(count, cut.size()) && bytes > 0; ++used) {
        cut[used] = pieces[used];
        cut[used].iov_len = std::min(cut[used].iov_len, bytes);
        bytes -= cut[used].iov_len;
    }
    count = used;
    return cut;
}

template <class Result, class Bare> struct Door {
    Call call;
    Bare bare;

    template <class... Args> Result operator()(Args... args) const noexcept {
        counters[index_of(call)].made.fetch_add(1, std::memory_order_relaxed);
        const CallOutcome outcome = ask({call, int_argument<0>(args...), int_argument<1>(args...)});
        if (outcome.delay.count() > 0) kernel().pass(outcome.delay);
        if (outcome.error != 0)
            return outcome.made_first ? failed_later(outcome.error, args...)
                                      : failed(outcome.error);
        if (outcome.result) return converted(*outcome.result);
        if (outcome.spurious)
            if (const int found = spurious(args...); found > 0) return converted(found);
        return counted(outcome.at_most ? shortened(*outcome.at_most, args...) : bare(args...));
    }

private:
    static bool is_failure(Result result) noexcept {
        if constexpr (std::is_integral_v<Result>)
            return result == static_cast<Result>(-1);
        else
            return false;
    }

    Result counted(Result result) const noexcept {
        if (is_failure(result) && errno == EAGAIN)
            counters[index_of(call)].would_block.fetch_add(1, std::memory_order_relaxed);
        return result;
    }

    Result failed(int error) const noexcept {
        if (returns_error(call) || (resolves(call) && error < 0)) return converted(error);
        errno = error;
        if (resolves(call)) return converted(EAI_SYSTEM);
        if (call == Call::mmap) return converted(-1);
        if (call == Call::if_nametoindex || call == Call::if_indextoname) return converted(0);
        return counted(converted(-1));
    }

    // A connect that is under way has succeeded as far as it can at once.
    template <class... Args> Result failed_later(int error, Args... args) const noexcept {
        const Result result = bare(args...);
        if (is_failure(result) && errno != EINPROGRESS) return counted(result);
        return failed(error);
    }

    static Result converted(std::int64_t value) noexcept {
        if constexpr (std::is_pointer_v<Result>)
            return reinterpret_cast<Result>(value);
        else
            return static_cast<Result>(value);
    }

    template <class... Args> static int spurious(Args...) noexcept { return 0; }
    static int spurious(int epoll, epoll_event* events, int capacity, int) noexcept {
        return all_ready(epoll, events, capacity);
    }
    static int spurious(int epoll, epoll_event* events, int capacity, const timespec*,
                        const sigset_t*) noexcept {
        return all_ready(epoll, events, capacity);
    }
    static int spurious(pollfd* fds, nfds_t count, const timespec*, const sigset_t*) noexcept {
        return all_ready(fds, count);
    }
    static int spurious(int end, fd_set* readable, fd_set* writable, fd_set* urgent,
                        const timespec*, const sigset_t*) noexcept {
        return all_ready(end, readable, writable, urgent);
    }

    template <class... Args>
    Result shortened([[maybe_unused]] std::size_t bytes, Args... args) const noexcept {
        return bare([&](auto argument) {
            if constexpr (std::is_same_v<decltype(argument), std::size_t>)
                return std::min(argument, bytes);
            else
                return argument;
        }(args)...);
    }
    Result shortened(std::size_t bytes, int fd, const msghdr* message, int flags) const noexcept {
        msghdr copy = *message;
        std::size_t used = copy.msg_iovlen;
        auto cut = cut_pieces(copy.msg_iov, used, bytes);
        copy.msg_iov = cut.data();
        copy.msg_iovlen = used;
        return bare(fd, &copy, flags);
    }
    Result shortened(std::size_t bytes, int fd, msghdr* message, int flags) const noexcept {
        msghdr copy = *message;
        std::size_t used = copy.msg_iovlen;
        auto cut = cut_pieces(copy.msg_iov, used, bytes);
        copy.msg_iov = cut.data();
        copy.msg_iovlen = used;
        const Result result = bare(fd, &copy, flags);
        message->msg_namelen = copy.msg_namelen;
        message->msg_controllen = copy.msg_controllen;
        message->msg_flags = copy.msg_flags;
        return result;
    }
    Result shortened(std::size_t most, int fd, mmsghdr* messages, unsigned count, int flags,
                     timespec* timeout) const noexcept {
        return bare(fd, messages, std::min(count, static_cast<unsigned>(most)), flags, timeout);
    }
    Result shortened(std::size_t most, int fd, mmsghdr* messages, unsigned count,
                     int flags) const noexcept {
        return bare(fd, messages, std::min(count, static_cast<unsigned>(most)), flags);
    }
};
template <class Result, class Bare> Door<Result, Bare> door(Call call, Bare bare) {
    return {call, bare};
}

} // namespace

namespace sys {

#define POLLUX_CALL(result, name, parameters, arguments)                                           \
    result name parameters noexcept {                                                              \
        return door<result>(Call::name, [](auto... a) noexcept { return kernel().name(a...); })    \
            arguments;                                                                             \
    }
#define POLLUX_TIMED_CALL POLLUX_CALL
#include "sys_calls.inc"
#undef POLLUX_CALL
#undef POLLUX_TIMED_CALL

} // namespace sys

std::vector<CallCount> call_counts() {
    std::vector<CallCount> counts;
    for (std::size_t call = 0; call < counters.size(); ++call)
        if (const auto made = counters[call].made.load(std::memory_order_relaxed); made > 0)
            counts.push_back({call_names[call], made,
                              counters[call].would_block.load(std::memory_order_relaxed)});
    return counts;
}

} // namespace pollux
