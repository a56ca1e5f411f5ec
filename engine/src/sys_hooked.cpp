// The library `pollux_hooked` makes its system calls here. Each is counted, and a hook may answer
// in its place. What is left goes to the kernel of the thread.

#include "sys.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <pollux/instruments/call_hook.hpp>
#include <pollux/instruments/calls.hpp>
#include <type_traits>
#include <utility>

#include "sys_kernel.hpp"

namespace pollux {
namespace {

#define POLLUX_CALL(result, name, parameters, arguments) name,
#define POLLUX_TIMED_CALL POLLUX_CALL
enum class Call : std::uint8_t {
#include "sys_calls.inc"
};
#undef POLLUX_CALL
#define POLLUX_CALL(result, name, parameters, arguments) #name,
constexpr std::array names{
#include "sys_calls.inc"
};
#undef POLLUX_CALL
#undef POLLUX_TIMED_CALL

struct Counters {
    std::atomic<std::uint64_t> made;
    std::atomic<std::uint64_t> would_block;
    std::atomic<std::uint64_t> since_hook;
};
constinit std::array<Counters, names.size()> counters{};
constinit std::atomic<CallHook::Function*> hook{nullptr};
constinit thread_local bool in_hook = false;

int first_fd() noexcept { return -1; }
template <class First, class... Rest> int first_fd(First first, Rest...) noexcept {
    if constexpr (std::is_same_v<First, int>)
        return first;
    else
        return -1;
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
        Counters& counter = counters[static_cast<std::size_t>(call)];
        counter.made.fetch_add(1, std::memory_order_relaxed);
        const CallOutcome outcome = ask(counter, args...);
        if (outcome.error != 0) return failed(outcome.error);
        if (outcome.result) return converted(*outcome.result);
        const Result result =
            outcome.at_most ? shortened(*outcome.at_most, args...) : bare(args...);
        if constexpr (std::is_integral_v<Result>)
            if (result == static_cast<Result>(-1) && errno == EAGAIN)
                counter.would_block.fetch_add(1, std::memory_order_relaxed);
        return result;
    }

private:
    template <class... Args> CallOutcome ask(Counters& counter, Args... args) const noexcept {
        CallHook::Function* const decide = hook.load(std::memory_order_acquire);
        if (decide == nullptr || in_hook) return {};
        const auto nth = counter.since_hook.fetch_add(1, std::memory_order_relaxed) + 1;
        const int saved = errno;
        in_hook = true;
        const CallOutcome outcome =
            (*decide)({names[static_cast<std::size_t>(call)], nth, first_fd(args...)});
        in_hook = false;
        errno = saved;
        return outcome;
    }

    Result failed(int error) const noexcept {
        errno = error;
        if (error == EAGAIN)
            counters[static_cast<std::size_t>(call)].would_block.fetch_add(
                1, std::memory_order_relaxed);
        return converted(-1);
    }

    static Result converted(std::int64_t value) noexcept {
        if constexpr (std::is_pointer_v<Result>)
            return value < 0 ? nullptr : reinterpret_cast<Result>(value);
        else
            return static_cast<Result>(value);
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
    for (std::size_t call = 0; call < names.size(); ++call)
        if (const auto made = counters[call].made.load(std::memory_order_relaxed); made > 0)
            counts.push_back(
                {names[call], made, counters[call].would_block.load(std::memory_order_relaxed)});
    return counts;
}

CallHook::CallHook(Function decide) {
    for (Counters& counter : counters) counter.since_hook.store(0, std::memory_order_relaxed);
    delete hook.exchange(new Function{std::move(decide)}, std::memory_order_acq_rel);
}

CallHook::~CallHook() { delete hook.exchange(nullptr, std::memory_order_acq_rel); }

} // namespace pollux
