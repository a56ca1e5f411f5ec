#include "sandbox.hpp"

#include <asm/termbits.h>
#include <cerrno>
#include <ctime>
#include <fcntl.h>
#include <initializer_list>
#include <linux/sockios.h>
#include <memory>
#include <sched.h>
#include <seccomp.h>
#include <stdexcept>
#include <string>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <system_error>
#include <unistd.h>

namespace demos {

namespace {

constexpr unsigned namespaces = CLONE_NEWCGROUP | CLONE_NEWIPC | CLONE_NEWNET | CLONE_NEWNS |
                                CLONE_NEWPID | CLONE_NEWUSER | CLONE_NEWUTS;

// What every server does, by the names of the kernel: those of libc differ (accept4 aside). Names
// that an architecture does not have are left out.
constexpr std::initializer_list<const char*> of_all{
    // on what is open
    "read", "readv", "recvfrom", "recvmsg", "recvmmsg", "write", "writev", "sendto", "sendmsg",
    "sendmmsg", "sendfile", "splice", "lseek", "fstat", "newfstatat", "statx", "close", "shutdown",
    "accept", "accept4", "getsockname", "getpeername", "getsockopt", "setsockopt",
    // waiting
    "epoll_create1", "epoll_ctl", "epoll_wait", "epoll_pwait", "epoll_pwait2", "poll", "ppoll",
    "select", "pselect6", "eventfd2", "signalfd4", "pipe2",
    // time
    "clock_gettime", "clock_getres", "clock_nanosleep", "gettimeofday", "nanosleep",
    // memory; see also below
    "brk", "munmap", "mremap", "madvise",
    // threads
    "futex", "set_robust_list", "rseq", "sched_yield", "sched_getaffinity", "sched_setaffinity",
    "gettid", "exit",
    // signals to itself, and the end
    "rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "rt_sigtimedwait", "sigaltstack",
    "restart_syscall", "getpid", "exit_group",
    // small things of libc
    "getrandom", "uname", "getuid", "geteuid", "getgid", "getegid", "getrusage", "sysinfo"};

constexpr std::initializer_list<const char*> of_reading{"getdents64", "pread64"};
constexpr std::initializer_list<const char*> of_keeping{
    "getdents64", "pread64", "openat", "openat2",  "pwrite64",  "ftruncate",
    "fallocate",  "fsync",   "linkat", "renameat", "renameat2", "unlinkat",
    "fdatasync",  "fchmod",  "flock",  "fadvise64"};
constexpr std::initializer_list<const char*> of_sockets{"socket", "connect", "bind"};
constexpr std::initializer_list<const char*> of_forking{
    "wait4", "waitid", "kill", "pidfd_open", "pidfd_send_signal", "getppid"};

class Filter {
public:
    Filter() : filter_{::seccomp_init(SCMP_ACT_ERRNO(EPERM))} {
        if (!filter_) throw std::system_error{ENOMEM, std::generic_category(), "seccomp"};
        // Threads that there are already must not stay outside.
        check(::seccomp_attr_set(filter_.get(), SCMP_FLTATR_CTL_TSYNC, 1));
    }

    void allow(std::initializer_list<const char*> calls) {
        for (const char* const call : calls) rule(SCMP_ACT_ALLOW, call, {});
    }

    void allow(const char* call, std::initializer_list<scmp_arg_cmp> where) {
        rule(SCMP_ACT_ALLOW, call, where);
    }

    void fail(const char* call, int error) {
        rule(SCMP_ACT_ERRNO(static_cast<unsigned>(error)), call, {});
    }

    void load() const { check(::seccomp_load(filter_.get())); }

private:
    struct Released {
        void operator()(scmp_filter_ctx filter) const { ::seccomp_release(filter); }
    };

    static void check(int result) {
        if (result < 0) throw std::system_error{-result, std::generic_category(), "seccomp"};
    }

    void rule(std::uint32_t action, const char* call, std::initializer_list<scmp_arg_cmp> where) {
        const int number = ::seccomp_syscall_resolve_name(call);
        if (number < 0) return;
        check(::seccomp_rule_add_array(filter_.get(), action, number,
                                       static_cast<unsigned>(where.size()), where.begin()));
    }

    std::unique_ptr<void, Released> filter_;
};

scmp_arg_cmp none_of(unsigned argument, std::uint64_t bits) {
    return {argument, SCMP_CMP_MASKED_EQ, bits, 0};
}

scmp_arg_cmp is(unsigned argument, std::uint64_t value) {
    return {argument, SCMP_CMP_EQ, value, 0};
}

void allow_memory_and_threads(Filter& filter) {
    filter.allow("mmap", {none_of(2, PROT_EXEC)});
    filter.allow("mprotect", {none_of(2, PROT_EXEC)});
    filter.allow("clone", {{0, SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD}});
    filter.fail("clone3", ENOSYS); // its flags cannot be seen; libc goes on with clone
    filter.allow("tgkill", {is(0, static_cast<std::uint64_t>(::getpid()))}); // abort
    static constexpr std::initializer_list<std::uint64_t> requests{FIONREAD, SIOCOUTQ, TCGETS,
                                                                   TIOCGPGRP};
    for (const std::uint64_t request : requests) filter.allow("ioctl", {is(1, request)});
}

// Not F_SETOWN above all: the kernel would send its signals to anybody.
void allow_flags_and_copies(Filter& filter) {
    static constexpr std::initializer_list<std::uint64_t> commands{
        F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_DUPFD, F_DUPFD_CLOEXEC, F_GETPIPE_SZ, F_SETPIPE_SZ};
    for (const std::uint64_t command : commands) filter.allow("fcntl", {is(1, command)});
}

} // namespace

void Sandbox::add_to(Options& options) {
    options.flag(
        "--sandbox", wanted_,
        "once it listens, allow only the system calls that serving needs; not with io_uring");
}

void Sandbox::enter() const {
    if (!wanted_) return;
    if (refusal_ != nullptr) throw std::invalid_argument{std::string{"--sandbox: "} + refusal_};
    ::tzset(); // reads a file
    Filter filter;
    filter.allow(of_all);
    allow_memory_and_threads(filter);
    allow_flags_and_copies(filter);
    if (has(Permission::read_files)) {
        filter.allow(of_reading);
        filter.allow("openat", {none_of(2, O_WRONLY | O_RDWR | O_CREAT | O_TRUNC | O_PATH)});
    }
    if (has(Permission::keep_files)) filter.allow(of_keeping);
    if (has(Permission::make_sockets)) filter.allow(of_sockets);
    if (has(Permission::fork)) {
        filter.allow(of_forking);
        filter.allow("clone", {none_of(0, namespaces)});
    }
    filter.load();
}

} // namespace demos
