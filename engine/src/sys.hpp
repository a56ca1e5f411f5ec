#pragma once

// The one door to the kernel: the library calls sys::name(...) where it means ::name(...).
//
// The library is built twice. In `pollux` these functions are inline and the object code is that
// of the bare call. In `pollux_hooked` they stand out of line in sys_hooked.cpp, which counts
// them, lets a test decide what a call answers, and asks the kernel of sys_kernel.hpp. This is the
// only place that knows which.

#include <cstddef>
#include <fcntl.h>
#include <net/if.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/sendfile.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
extern "C" { // glibc 2.36 forgets it
#include <sys/pidfd.h>
}

#include "sys_io_uring.hpp"

#ifdef POLLUX_HOOKED
#define POLLUX_CALL(result, name, parameters, arguments) result name parameters noexcept;
#else
#define POLLUX_CALL(result, name, parameters, arguments)                                           \
    inline result name parameters noexcept { return ::name arguments; }
#endif
#define POLLUX_TIMED_CALL POLLUX_CALL

namespace pollux::sys {
#include "sys_calls.inc"
} // namespace pollux::sys

#undef POLLUX_TIMED_CALL
#undef POLLUX_CALL
