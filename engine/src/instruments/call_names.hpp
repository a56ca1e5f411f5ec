#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace pollux {

#define POLLUX_CALL(result, name, parameters, arguments) name,
#define POLLUX_TIMED_CALL POLLUX_CALL
/// The calls of sys_calls.inc, and an allocation.
enum class Call : std::uint8_t {
#include "sys_calls.inc"
    allocation
};
#undef POLLUX_CALL
#define POLLUX_CALL(result, name, parameters, arguments) #name,
inline constexpr std::array<std::string_view, static_cast<std::size_t>(Call::allocation) + 1>
    call_names{
#include "sys_calls.inc"
        "new"};
#undef POLLUX_CALL
#undef POLLUX_TIMED_CALL

constexpr std::size_t index_of(Call call) { return static_cast<std::size_t>(call); }
constexpr std::string_view name_of(Call call) { return call_names[index_of(call)]; }

constexpr std::optional<Call> find_call(std::string_view name) {
    for (std::size_t call = 0; call < call_names.size(); ++call)
        if (call_names[call] == name) return static_cast<Call>(call);
    return {};
}

constexpr bool is_wait(Call call) {
    return call == Call::epoll_wait || call == Call::epoll_pwait2 || call == Call::ppoll ||
           call == Call::pselect || call == Call::io_uring_enter;
}

/// What a ring is asked to wait for, nobody can tell from outside.
constexpr bool can_be_spurious(Call call) { return is_wait(call) && call != Call::io_uring_enter; }

} // namespace pollux
