#!/bin/sh
# check_seam.sh <libpollux.a> <libpollux_hooked.a> <sample through the seam> <bare sample>
#
# Every system call of the library goes through sys.hpp. In pollux_hooked that means: no object but
# sys_kernel.cpp's refers to one, and those of instruments that look at the real kernel behind it.
# pollux carries nothing of the instruments that bend calls, and its calls are the bare ones.
set -eu
export LC_ALL=C
plain=$1 hooked=$2 through=$3 bare=$4
failed=0

# What the other objects may take from the C library: what asks nothing of the kernel. (malloc's
# calls, a mutex's and those of an abort are nobody's business here. syscall(2) is held by
# check_includes.py in the sources: std::stop_callback, whose header waits on a futex, brings it into
# every object that has one.)
behind='sys_kernel|fault_reach|spurious'
harmless='_GLOBAL_OFFSET_TABLE_|_Unwind_Resume|__cxa_[a-z_]+|__gxx_personality_v0|__dso_handle
  __dynamic_cast|__fdelt_chk|__tls_get_addr|__popcountdi2|__errno_location|__libc_single_threaded|__cmsg_nxthdr|__stack_chk_fail
  __(asan|ubsan|tsan|sanitizer|sancov)_[a-z0-9_]+|__start___sancov.*|__stop___sancov.*
  (__)?(mem|str)[a-z]+(_chk)?|bcmp|strerrorname_np|gai_strerror|getenv|environ|syscall
  htonl|htons|ntohs|ntohl|inet_ntop|inet_pton|in6addr_any|in6addr_loopback|freeaddrinfo
  sigaddset|sigdelset|sigemptyset|sigfillset|sigismember|sched_yield
  pthread_mutex_(un|try)?lock|pthread_self|posix_spawnattr_[a-z]+|posix_spawn_file_actions_[a-z0-9_]+
  __assert_fail|(__)?(f|sn)printf(_chk)?|stderr|abort|_Exit'
harmless=$(echo "$harmless" | sed 's/^ *//' | paste -sd '|')
# Of C++'s library: what keeps time, sleeps, starts threads or opens files.
doors='std::(chrono::_V2::|this_thread::|thread::|filesystem::|random_device::|basic_[a-z]*f(ile|stream))'

strays=$(nm -A -u "$hooked" | grep -vE ":($behind)\.cpp\.o:" | grep -vE " _Z" |
  grep -vE " [Uvw] ($harmless)(@.*)?\$" || true)
strays=$strays$(nm -A -u -C "$hooked" | grep -vE ":($behind)\.cpp\.o:" | grep -E " $doors" || true)
if [ -n "$strays" ]; then
  echo "calls that bypass sys.hpp, or that this check does not know to be harmless:"
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

# The code of each sample, by function.
code() { objdump -dr --no-show-raw-insn "$1" | sed '1,/Disassembly/d'; }
[ "$(code "$bare" | grep -c '<make_')" -ge 50 ] || { echo "no samples in $bare"; failed=1; }
if [ "$(code "$through")" != "$(code "$bare")" ]; then
  echo "the seam costs something:"
  code "$bare" >"$through.bare.txt"
  code "$through" | diff "$through.bare.txt" - | head -20
  failed=1
fi
exit $failed
