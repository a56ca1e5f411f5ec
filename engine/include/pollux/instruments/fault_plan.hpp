#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <pollux/instruments/call_hook.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

// Instruments of the library `pollux_hooked` alone: a program that uses them and links `pollux`
// does not link.

namespace pollux {

/// What is to go wrong with a call.
struct Fault {
    enum class Kind : std::uint8_t {
        error,       ///< It fails with `error`.
        any,         ///< It fails with one of `errors_of` it, drawn.
        short_count, ///< It moves at most `bytes` bytes of a stream, or messages of a batch.
        spurious,    ///< A wait says that all is ready that it asks about.
        delay,       ///< It is made after `delay`.
        callback     ///< `decide` is asked. Cannot be parsed.
    };
    Kind kind = Kind::error;
    int error = 0; ///< As in <cerrno>, or an `EAI_` number.
    std::size_t bytes = 0;
    std::chrono::nanoseconds delay{};
    std::function<CallOutcome(const CallPoint&)> decide{};
};

/// Which calls a fault befalls. They are counted from 1, and only those are counted that can fail
/// (not `epoll_ctl` DEL or MOD, nor `fcntl` but to duplicate) and, by `read` and `write` and where
/// the fault is `short`, those on a stream of bytes: a socket of SOCK_STREAM, a pipe, a file.
struct FaultRule {
    /// "accept4"; "wait": of epoll_wait(2), epoll_pwait2(2), ppoll(2), pselect(2),
    /// io_uring_enter(2) whichever it is;
    /// "*": each that can have the fault; "new": allocations, in a program whose operator new asks
    /// (`is_allocation_refused`), which are not in "*".
    std::string call;
    int fd = -1; ///< Not -1: only calls whose first argument it is, counted by themselves.
    std::uint64_t first = 1;
    std::uint64_t last = std::numeric_limits<std::uint64_t>::max();
    std::uint64_t step = 1; ///< Every how many from `first` to `last`.
    double percent = 100;   ///< The share of these, drawn.
    Fault fault{};
};

/// What is to go wrong in a run, in one line that can be pasted back:
///
///     accept4@3=EMFILE; read@7=short:1; wait@2=spurious; seed=7; *@0.1%=any
///
///     PLAN  = PART { ";" PART }        PART  = "seed=" N | OP "@" WHICH "=" FAULT
///     OP    = (call | "wait" | "*" | "new") [ "[" descriptor "]" ]
///     WHICH = N | N "+" | N "-" N | N ["-" N] "+" STEP | "*" | PERCENT "%"
///     FAULT = errno or EAI_ name | "short:" N | "spurious" | "any" |
///             "delay:" N ("ns" | "us" | "ms" | "s")
///
/// The first rule that befalls a call decides about it; delays come on top. See docs/faults.md.
class FaultPlan {
public:
    /// Nothing goes wrong.
    FaultPlan() = default;
    /// Throws `std::invalid_argument` that shows the place and says what is wanted there.
    static FaultPlan parse(std::string_view line);

    /// Throws `std::invalid_argument` when there is no such call, or it cannot have that fault.
    FaultPlan& add(FaultRule rule);
    /// What is drawn, is drawn from this; without it from 1.
    FaultPlan& set_seed(std::uint64_t seed);

    const std::vector<FaultRule>& rules() const noexcept { return rules_; }
    std::uint64_t seed() const noexcept { return seed_.value_or(1); }
    bool empty() const noexcept { return rules_.empty(); }

    /// The line that gives this plan again.
    std::string to_string() const;
    /// The arguments that make strace(1) do the same to a program linked with `pollux`. Throws
    /// `std::invalid_argument` that says which rule it cannot follow, and why.
    std::string strace() const;

private:
    std::vector<FaultRule> rules_;
    std::optional<std::uint64_t> seed_;
};

/// The errors that a call of the library (its name) can give to a program without mistakes, by its
/// manual page: not EBADF, EFAULT and the like. Empty where there are none, and for what is no
/// call. EAGAIN is among them only where it means that the system lacks something: a socket that
/// answers it although it is ready would break the promise of an edge.
std::span<const int> errors_of(std::string_view call) noexcept;

/// `EMFILE`, `EAI_AGAIN`; a number where it has no name.
std::string error_name(int error);

} // namespace pollux
