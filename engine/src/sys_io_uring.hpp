#pragma once

// libc has no functions for the two calls of io_uring(7).

#include <cerrno>
#include <cstddef>
#include <sys/syscall.h>
#include <unistd.h>

struct io_uring_params;        // linux/io_uring.h
struct io_uring_getevents_arg; // likewise

#ifdef SYS_io_uring_setup

inline int io_uring_setup(unsigned entries, io_uring_params* parameters) noexcept {
    return static_cast<int>(::syscall(SYS_io_uring_setup, entries, parameters));
}
inline int io_uring_enter(int ring, unsigned submitted, unsigned least, unsigned flags,
                          const io_uring_getevents_arg* limit, std::size_t size) noexcept {
    return static_cast<int>(
        ::syscall(SYS_io_uring_enter, ring, submitted, least, flags, limit, size));
}

#else // headers from before Linux 5.1

inline int io_uring_setup(unsigned, io_uring_params*) noexcept {
    errno = ENOSYS;
    return -1;
}
inline int io_uring_enter(int, unsigned, unsigned, unsigned, const io_uring_getevents_arg*,
                          std::size_t) noexcept {
    errno = ENOSYS;
    return -1;
}

#endif
