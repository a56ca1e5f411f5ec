#pragma once

// The contract suite: each case is written once and runs on every backend and trigger it holds
// for. A case is named by its id in the catalogue of promises, and doctest lists it once for each
// mode: "L4 TCP, peer shuts its side [epoll level]".

#include <doctest/doctest.h>

#include <array>
#include <memory>
#include <pollux/backend.hpp>

namespace pollux_test {

struct Mode {
    pollux::Backend backend;
    pollux::Trigger trigger;

    std::unique_ptr<pollux::Reactor> reactor() const { return pollux::make_reactor(backend); }
    constexpr bool is(pollux::Backend other) const { return backend == other; }
    constexpr bool is(pollux::Trigger other) const { return trigger == other; }
    /// How often a run that ends enters the call that waits, to take back what it asked for
    /// (`Reactor::leave_thread`).
    constexpr int calls_to_leave() const { return is(pollux::Backend::io_uring) ? 1 : 0; }
};

// What a case holds for.
constexpr bool everywhere(Mode) { return true; }
constexpr bool on_level(Mode mode) { return mode.is(pollux::Trigger::level); }
constexpr bool on_edge(Mode mode) { return mode.is(pollux::Trigger::edge); }
constexpr bool on_one_shot(Mode mode) { return mode.is(pollux::Trigger::one_shot); }
constexpr bool on_select(Mode mode) { return mode.is(pollux::Backend::select); }
constexpr bool on_poll(Mode mode) { return mode.is(pollux::Backend::poll); }
constexpr bool on_io_uring(Mode mode) { return mode.is(pollux::Backend::io_uring); }
constexpr bool not_on_io_uring(Mode mode) { return !on_io_uring(mode); }
/// A case of io_uring runs in a thread, and TSan starts none in the child of a process that had
/// several.
constexpr bool on_level_of_one_thread(Mode mode) { return on_level(mode) && not_on_io_uring(mode); }
/// A simulated kernel has no ring.
constexpr bool where_simulated(Mode mode) { return not_on_io_uring(mode); }
/// epoll(7) keeps what is watched, and answers. So it is with adaptive too as long as few are
/// watched.
constexpr bool on_epoll(Mode mode) {
    return mode.is(pollux::Backend::epoll) || mode.is(pollux::Backend::adaptive);
}
/// Edges and exclusive registrations are epoll's alone.
constexpr bool with_every_trigger(Mode mode) { return mode.is(pollux::Backend::epoll); }
constexpr bool with_levels_only(Mode mode) { return !with_every_trigger(mode); }
constexpr bool not_on_select(Mode mode) { return !on_select(mode); }
constexpr bool not_on_epoll(Mode mode) { return !on_epoll(mode); }

inline constexpr std::array<Mode, 11> modes{{
    {pollux::Backend::select, pollux::Trigger::level},
    {pollux::Backend::select, pollux::Trigger::one_shot},
    {pollux::Backend::poll, pollux::Trigger::level},
    {pollux::Backend::poll, pollux::Trigger::one_shot},
    {pollux::Backend::io_uring, pollux::Trigger::level},
    {pollux::Backend::io_uring, pollux::Trigger::one_shot},
    {pollux::Backend::adaptive, pollux::Trigger::level},
    {pollux::Backend::adaptive, pollux::Trigger::one_shot},
    {pollux::Backend::epoll, pollux::Trigger::level},
    {pollux::Backend::epoll, pollux::Trigger::edge},
    {pollux::Backend::epoll, pollux::Trigger::one_shot},
}};

/// Whether the kernel has it: io_uring may be missing, or forbidden. Says why not, once.
bool is_there(pollux::Backend backend);

using Body = void (*)(const Mode&);
using Thunk = void (*)();

/// Runs a body in one mode, with the ledger of descriptors around it; not where the facility is not
/// there.
void run_in_mode(Body body, const Mode& mode);
/// Tells doctest about a case; `thunk` is null for a mode it does not hold for.
int add_cases(const char* name, const char* file, int line,
              const std::array<Thunk, modes.size()>& thunks);

template <Body body, auto holds_for, std::size_t... place>
int add_contract_case(const char* name, const char* file, int line, std::index_sequence<place...>) {
    return add_cases(
        name, file, line,
        {(holds_for(modes[place]) ? Thunk{[] { run_in_mode(body, modes[place]); }} : nullptr)...});
}

} // namespace pollux_test

#define POLLUX_JOIN_(a, b) a##b
#define POLLUX_JOIN(a, b) POLLUX_JOIN_(a, b)
// NOLINTBEGIN(bugprone-macro-parentheses): a declared name takes none
#define POLLUX_CONTRACT_CASE(body, registered, name, holds_for)                                    \
    static void body(const pollux_test::Mode& mode);                                               \
    [[maybe_unused]] static const int registered =                                                 \
        pollux_test::add_contract_case<body, pollux_test::holds_for>(                              \
            name, __FILE__, __LINE__, std::make_index_sequence<pollux_test::modes.size()>{});      \
    static void body([[maybe_unused]] const pollux_test::Mode& mode)
// NOLINTEND(bugprone-macro-parentheses)

/// CONTRACT_CASE("R1 idle pair, no event", everywhere) { … `mode` is at hand … }
#define CONTRACT_CASE(name, holds_for)                                                             \
    POLLUX_CONTRACT_CASE(POLLUX_JOIN(contract_body_, __LINE__),                                    \
                         POLLUX_JOIN(contract_registered_, __LINE__), name, holds_for)
