#pragma once

#include "sys.hpp"

namespace pollux {

// What a wait would answer if all that it asks about were ready: readable, writable and urgent,
// as far as it was asked. Each returns what the wait would, 0 when it asks about nothing.

int all_ready(int epoll, epoll_event* events, int capacity);
int all_ready(pollfd* fds, nfds_t count);
int all_ready(int end, const fd_set* readable, const fd_set* writable, const fd_set* urgent);

} // namespace pollux
