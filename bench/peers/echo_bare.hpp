#pragma once

#include "echo_conversation.hpp"
#include "echo_program.hpp"

#include <cstdint>
#include <pollux/fd.hpp>

namespace echo {

enum class Trigger : std::uint8_t { level, edge, one_shot };

/// What a bare loop is told besides.
struct Bare {
    Trigger trigger = Trigger::level;
    Reading reading = Reading::once;
    std::size_t accepts = 1; ///< Clients taken each time that the listener is ready.
};

/// The loop that a good hand writes on the kernel's facility, with nothing in it that this one
/// purpose does not need. Announces that it listens, and returns when `termination` is readable.
void serve_on_epoll(int listener, int termination, const Service& service, const Bare& bare);
/// At level; the trigger is not looked at.
void serve_on_poll(int listener, int termination, const Service& service, const Bare& bare);
/// The same. Throws `std::out_of_range` when a client's descriptor does not fit into an fd_set.
void serve_on_select(int listener, int termination, const Service& service, const Bare& bare);

} // namespace echo
