#!/bin/sh
# check_seam.sh <libpollux.a> <libpollux_hooked.a> <sys_calls.inc>
#
# Every system call of the library goes through sys.hpp. In pollux_hooked that means: no object but
# sys_kernel.cpp's refers to one, and those of instruments that look at the real kernel behind it.
# And pollux carries nothing of the instruments that bend calls.
set -eu
export LC_ALL=C
plain=$1 hooked=$2 calls=$3

# What goes through the door, and what would go around it.
through=$(sed -nE 's/^POLLUX_(TIMED_)?CALL\([^,]*, *([a-z0-9_]+),.*/\2/p' "$calls")
[ "$(echo "$through" | wc -w)" -ge 30 ] || { echo "cannot read the calls in $calls"; exit 1; }
around='accept accept4 bind chmod clock_gettime clock_nanosleep close close_range connect dup dup2
  dup3 epoll_create epoll_create1 epoll_ctl epoll_pwait epoll_pwait2 epoll_wait eventfd eventfd_read
  eventfd_write fchmod fcntl fcntl64 fork fstat fstat64 ftruncate getpeername getsockname getsockopt
  gettimeofday ioctl kill listen lseek lseek64 madvise mmap mmap64 mprotect munmap nanosleep open
  open64 openat openat64 openat2 pipe pipe2 poll posix_spawn ppoll pread pread64 preadv pselect
  pthread_kill pthread_sigmask pwrite pwrite64 pwritev raise read readv recv recvfrom recvmmsg
  recvmsg rename renameat2 select send sendfile sendfile64 sendmmsg sendmsg sendto setsockopt
  shutdown sigaction signal signalfd sigprocmask sigwait sleep socket socketpair splice stat
  time timerfd_create timerfd_gettime timerfd_settime tgkill unlink unlinkat usleep vfork write
  writev'
# (syscall(2) is held by check_includes.py in the sources: std::stop_callback, whose header waits on a
# futex, brings it into every object that has one.)
# The names glibc gives them when buffers are checked (_FORTIFY_SOURCE), and the clocks of C++.
names=$(printf '%s\n' $through $around | sort -u | paste -sd '|')
forbidden="((__|__libc_)?($names)(_chk|_2|64_2|_alias|_time64)?|std::chrono::_V2::(steady|system)_clock::now\(\))"

failed=0
behind='sys_kernel|fault_reach|spurious'
strays=$(nm -A -u -C "$hooked" | grep -vE ":($behind)\.cpp\.o:" |
  grep -E " U $forbidden(@.*)?\$" || true)
if [ -n "$strays" ]; then
  echo "system calls that bypass sys.hpp:"
  echo "$strays"
  failed=1
fi

# The check above would also pass on an archive it cannot read, or that holds nothing.
if ! nm -A -u -C "$hooked" | grep -qE ":sys_kernel\.cpp\.o: +U epoll_ctl(@.*)?\$"; then
  echo "no sys_kernel.cpp.o that calls epoll_ctl in $hooked"
  failed=1
fi
if ! nm -A -u -C "$plain" | grep -qE " U epoll_ctl(@.*)?\$"; then
  echo "nobody calls epoll_ctl in $plain"
  failed=1
fi

instruments=$(nm -A -C "$plain" |
  grep -E 'pollux::(CallHook|FakeClock|CallOutcome|CallPoint|Fault|Answerer|Kernel)|sys_hooked| U pollux::sys::' || true)
if [ -n "$instruments" ]; then
  echo "instruments in $plain:"
  echo "$instruments"
  failed=1
fi
exit $failed
