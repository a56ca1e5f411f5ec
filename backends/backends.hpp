#pragma once

// What make_reactor.cpp and the backends share. Private: users call make_reactor.

#include <memory>
#include <pollux/reactor.hpp>

namespace pollux {

std::unique_ptr<Reactor> make_select_reactor();
std::unique_ptr<Reactor> make_poll_reactor();
std::unique_ptr<Reactor> make_epoll_reactor();
/// A poll reactor for what epoll has taken already: it does not ask whether a descriptor is open.
std::unique_ptr<Reactor> make_poll_reactor_beside_epoll();
/// An epoll reactor that comes to report all that is ready at once, as poll does.
std::unique_ptr<Reactor> make_epoll_reactor_beside_poll();
std::unique_ptr<Reactor> make_adaptive_reactor();
std::unique_ptr<Reactor> make_io_uring_reactor();

/// Throws EBADF unless `fd` is open. epoll_ctl(2) checks this itself; for select(2) and poll(2) it
/// would show only at the next wait.
void require_open(int fd, std::string_view call);

/// What a facility that reports levels to one process can give. Edges it cannot: from outside
/// nobody can tell when a reader saw "would block". Nor can it know who else waits.
constexpr bool is_level_or_one_shot(Trigger trigger) noexcept {
    return trigger == Trigger::level || trigger == Trigger::one_shot;
}
/// Throws ENOTSUP for another trigger.
void require_level_or_one_shot(Trigger trigger, std::string_view call);

/// Throws EEXIST or ENOENT, as epoll_ctl(2) does.
[[noreturn]] void refuse_twice(std::string_view call, int fd);
[[noreturn]] void refuse_unknown(std::string_view call, int fd);

} // namespace pollux
