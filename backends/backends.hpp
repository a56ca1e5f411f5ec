#pragma once

// What make_reactor.cpp and the backends share. Private: users call make_reactor.

#include <memory>
#include <pollux/reactor.hpp>

namespace pollux {

std::unique_ptr<Reactor> make_select_reactor();
std::unique_ptr<Reactor> make_poll_reactor();
std::unique_ptr<Reactor> make_epoll_reactor();

/// Throws EBADF unless `fd` is open. epoll_ctl(2) checks this itself; for select(2) and poll(2) it
/// would show only at the next wait.
void require_open(int fd, std::string_view call);

/// Throws ENOTSUP: the facility reports levels, and from outside nobody can tell when a reader
/// saw "would block", so there is no honest way to give edges.
[[noreturn]] void refuse_edge(std::string_view call);

/// Throws EEXIST or ENOENT, as epoll_ctl(2) does.
[[noreturn]] void refuse_twice(std::string_view call, int fd);
[[noreturn]] void refuse_unknown(std::string_view call, int fd);

} // namespace pollux
