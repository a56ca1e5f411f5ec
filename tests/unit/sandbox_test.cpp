// The sandbox of the demo servers: what is refused in it, and what is not.

#include "common/sandbox.hpp"

#include "support/child.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stdexcept>
#include <string>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <thread>
#include <unistd.h>

using pollux_test::Expect;
using pollux_test::holds_in_child;

namespace {

demos::Sandbox wanted() {
    demos::Sandbox sandbox;
    demos::Options options{"program", ""};
    sandbox.add_to(options);
    std::string program{"program"};
    std::string option{"--sandbox"};
    std::array<char*, 3> arguments{program.data(), option.data(), nullptr};
    REQUIRE(options.parse(2, arguments.data()));
    return sandbox;
}

bool refused(long result) { return result == -1 && errno == EPERM; }

long open_to(const char* path, int flags) { return ::open(path, flags | O_CLOEXEC, 0600); }

long map(int protection) {
    void* const at = ::mmap(nullptr, 4096, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return at == MAP_FAILED ? -1 : 0;
}

long fork_one() {
    const pid_t child = ::fork();
    if (child == 0) ::_exit(0);
    return child;
}

} // namespace

TEST_CASE("sandbox: it is not there unless it was asked for") {
    holds_in_child([](const Expect& expect) {
        demos::Sandbox{}.enter();
        expect(::prctl(PR_GET_SECCOMP, 0, 0, 0, 0) == SECCOMP_MODE_DISABLED, "no filter");
    });
}

TEST_CASE("sandbox: other programs, files, sockets, processes and new code are refused") {
    holds_in_child([](const Expect& expect) {
        wanted().enter();
        char* const none = nullptr;
        expect(refused(::execve("/bin/true", &none, &none)), "another program");
        expect(refused(open_to("/etc/passwd", O_RDONLY)), "a file");
        expect(refused(open_to("/tmp", O_TMPFILE | O_WRONLY)), "a new file");
        expect(refused(::unlink("/tmp/no such file")), "removing a file");
        expect(refused(::socket(AF_INET, SOCK_STREAM, 0)), "a socket");
        expect(refused(fork_one()), "a process");
        expect(refused(::kill(::getppid(), 0)), "a signal to another");
        expect(refused(::fcntl(STDERR_FILENO, F_SETOWN, ::getppid())), "one by the kernel's hand");
        expect(refused(::ptrace(PTRACE_ATTACH, ::getppid(), nullptr, nullptr)), "tracing");
        expect(refused(map(PROT_READ | PROT_EXEC)), "memory to be executed");
        expect(refused(::syscall(SYS_personality, 0xffffffff)), "what nobody thought of");
    });
}

TEST_CASE("sandbox: memory, threads and what is open are as before") {
    holds_in_child([](const Expect& expect) {
        std::array<int, 2> ends{};
        expect(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()) == 0, "a pair");
        wanted().enter();
        expect(map(PROT_READ | PROT_WRITE) == 0, "memory");
        expect(::fcntl(ends[0], F_SETFL, ::fcntl(ends[0], F_GETFL)) == 0, "flags");
        expect(::fcntl(ends[0], F_DUPFD_CLOEXEC, 0) >= 0, "a copy");
        std::string got(1 << 20, ' ');
        std::thread{[&] { expect(::send(ends[1], "x", 1, 0) == 1, "send"); }}.join();
        expect(::recv(ends[0], got.data(), got.size(), 0) == 1, "receive");
    });
}

TEST_CASE("sandbox: threads that there were are in it too") {
    holds_in_child([](const Expect& expect) {
        std::array<int, 2> ends{};
        expect(::pipe2(ends.data(), O_CLOEXEC) == 0, "a pipe");
        bool inside = false;
        std::thread early{[&] {
            char byte{};
            inside = ::read(ends[0], &byte, 1) == 1 && refused(open_to("/etc/passwd", O_RDONLY));
        }};
        wanted().enter();
        expect(::write(ends[1], "x", 1) == 1, "write");
        early.join();
        expect(inside, "inside");
    });
}

TEST_CASE("sandbox: a permission gives back what it names, and no more") {
    holds_in_child([](const Expect& expect) {
        demos::Sandbox sandbox = wanted();
        sandbox.allow(demos::Permission::read_files);
        sandbox.enter();
        expect(open_to("/etc/passwd", O_RDONLY) >= 0, "reading");
        expect(refused(open_to("/etc/passwd", O_WRONLY)), "writing");
        expect(refused(open_to("/tmp", O_TMPFILE | O_WRONLY)), "a new file");
        expect(refused(::socket(AF_INET, SOCK_STREAM, 0)), "a socket");
    });
    holds_in_child([](const Expect& expect) {
        demos::Sandbox sandbox = wanted();
        sandbox.allow(demos::Permission::keep_files);
        sandbox.allow(demos::Permission::make_sockets);
        sandbox.enter();
        expect(open_to("/tmp", O_TMPFILE | O_WRONLY) >= 0, "a new file");
        expect(::socket(AF_INET, SOCK_STREAM, 0) >= 0, "a socket");
        expect(refused(fork_one()), "a process");
    });
    holds_in_child([](const Expect& expect) {
        demos::Sandbox sandbox = wanted();
        sandbox.allow(demos::Permission::fork);
        sandbox.enter();
        char* const none = nullptr;
        expect(fork_one() > 0, "a process");
        expect(refused(::execve("/bin/true", &none, &none)), "another program");
        expect(refused(::unshare(CLONE_NEWUSER)), "a namespace");
    });
}

TEST_CASE("sandbox: a program that cannot work in it says so") {
    demos::Sandbox sandbox = wanted();
    sandbox.refuse("reasons");
    CHECK_THROWS_WITH_AS(sandbox.enter(), "--sandbox: reasons", std::invalid_argument);
}
