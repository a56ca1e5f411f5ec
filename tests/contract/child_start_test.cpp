// Child: what a program is given when it starts, and what is said when it cannot.

#include "support/calls.hpp"
#include "support/child.hpp"
#include "support/descriptor_ledger.hpp"
#include "support/failing_memory.hpp"
#include "support/programs.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <new>
#include <pollux/signals.hpp>
#include <stdexcept>
#include <string>
#include <string_view>
#include <unistd.h>

using namespace pollux;
using namespace pollux_test;

CONTRACT_CASE("child: environment and directory", on_level) {
    ChildOptions options = shell("pwd; echo \"$POLLUX_WORD\"");
    ::setenv("POLLUX_WORD", "inherited", 1);
    CHECK_NE(run(mode, options).output.find("\ninherited\n"), std::string::npos);
    options.directory = "/";
    CHECK_EQ(run(mode, options).output, "/\ninherited\n");
    options.environment = {"POLLUX_WORD=given"};
    CHECK_EQ(run(mode, options).output, "/\ngiven\n");
    ChildOptions none = piped({"/usr/bin/env"});
    none.environment.emplace();
    CHECK_EQ(run(mode, none).output, "");
    ::unsetenv("POLLUX_WORD");
}

CONTRACT_CASE("child: no shell looks at the arguments", on_level) {
    CHECK_EQ(run(mode, piped({"printf", "%s|", "a b", "$HOME", "", "*"})).output, "a b|$HOME||*|");
}

CONTRACT_CASE("child: no signal is blocked and none ignored, whatever is so here", on_level) {
    const auto is_clean = [&] {
        std::string masks =
            run(mode, piped({"grep", "-E", "^Sig(Blk|Ign)", "/proc/self/status"})).output;
        const std::string glibcs_own = "0000000180000000"; // 32 and 33, ignored by posix_spawn
        if (const std::size_t at = masks.find(glibcs_own); at != masks.npos)
            masks.replace(at, glibcs_own.size(), "0000000000000000");
        return masks == "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n";
    };
    EventLoop loop{mode.backend};
    const SignalWatch watch{loop, {SIGUSR1, SIGTERM}, [](int) {}};
    CHECK(is_clean());
    holds_in_child([&](const Expect& expect) {
        ::signal(SIGPIPE, SIG_IGN);
        ::signal(SIGHUP, SIG_IGN);
        expect(is_clean(), "what is ignored");
    });
}

CONTRACT_CASE("W15 child: it has its three streams and no other descriptor", on_level) {
    EventLoop loop{mode.backend};
    const Child other{loop, piped({"cat"}), {}};            // its pipes above all
    const Fd careless{::fcntl(STDIN_FILENO, F_DUPFD, 100)}; // not close-on-exec
    ChildOptions options = shell("echo /proc/$$/fd/*");
    const auto numbers = [&] {
        std::string list = run(mode, options).output;
        for (std::size_t at = 0; (at = list.find("/proc/")) != list.npos;)
            list.erase(at, list.find("/fd/", at) + 4 - at);
        return list;
    };
    const std::string without = numbers();
    CHECK_EQ(without.substr(0, 5), "0 1 2");
    CHECK_EQ(without.find("100"), std::string::npos);
    CHECK_LE(std::ranges::count(without, ' '), 3); // the shell has one open to look
    options.keep_descriptors = true;
    CHECK_NE(numbers().find(" 100"), std::string::npos);
}

CONTRACT_CASE("W15 child: it keeps nothing of ours, even where it keeps what is open", on_level) {
    EventLoop loop{mode.backend};
    ChildOptions options = shell("set -- /proc/$$/fd/*; echo $#");
    options.keep_descriptors = true;
    options.input = ChildStream::null();
    const std::string count = run(mode, options).output;
    const Child other{loop, piped({"cat"}), {}};
    CHECK_EQ(run(mode, options).output, count);
    options.input = ChildStream::descriptor(STDERR_FILENO); // by way of a copy
    CHECK_EQ(run(mode, options).output, count);
}

CONTRACT_CASE("child: a program that cannot be run is named, and nothing is left", on_level) {
    EventLoop loop{mode.backend};
    const auto start = [&](const ChildOptions& options) {
        return failure_of([&] { const Child child{loop, options, {}}; });
    };
    CHECK_EQ(start(piped({"no-such-program"})),
             "posix_spawn no-such-program: No such file or directory");
    CHECK_EQ(start(piped({"/etc/passwd"})), "posix_spawn /etc/passwd: Permission denied");
    ChildOptions nowhere = piped({"cat"});
    nowhere.directory = "/nowhere";
    CHECK_EQ(start(nowhere), "posix_spawn cat in /nowhere: No such file or directory");
    ChildOptions closed = piped({"cat"});
    closed.output = ChildStream::descriptor(999);
    CHECK_EQ(start(closed), "posix_spawn cat: Bad file descriptor");
    CHECK(has_no_children());
    settle(loop);
}

CONTRACT_CASE("child: options that make no sense", on_level) {
    EventLoop loop{mode.backend};
    const auto refused = [&](const ChildOptions& options) {
        CHECK_THROWS_AS((Child{loop, options, {}}), std::invalid_argument);
    };
    using std::string_literals::operator""s;
    refused(piped({}));
    refused(piped({"cat", "a\0b"s}));
    ChildOptions options = piped({"cat"});
    options.environment = {"A=\0"s};
    refused(options);
    options = piped({"cat"});
    options.output = ChildStream::output();
    refused(options);
    CHECK(has_no_children());
}

CONTRACT_CASE("child: the kernel refuses a call: it says which, and nothing is left", on_level) {
    EventLoop loop{mode.backend};
    const auto refused = [&](std::string_view name, int error, std::uint64_t nth) {
        const Calls calls{[&](const CallPoint& call) {
            return call.name == name && call.nth == nth ? CallOutcome{.error = error}
                                                        : CallOutcome{};
        }};
        std::string said = failure_of([&] { const Child child{loop, piped({"cat"}), {}}; });
        CHECK(has_no_children());
        return said;
    };
    CHECK_EQ(refused("pidfd_open", ENOSYS, 1), "pidfd_open cat: Function not implemented");
    CHECK_EQ(refused("pidfd_open", EMFILE, 1), "pidfd_open cat: Too many open files");
    CHECK_EQ(refused("pipe2", EMFILE, 3), "pipe2 cat: Too many open files");
    CHECK_EQ(refused("posix_spawnp", EAGAIN, 1),
             "posix_spawn cat: Resource temporarily unavailable");
    if (on_epoll(mode))
        for (const std::uint64_t nth : {1U, 3U, 5U}) // output, input, the process
            CHECK_EQ(refused("epoll_ctl", ENOSPC, nth).substr(0, 9), "epoll_ctl");
    settle(loop);
}

CONTRACT_CASE("child: memory is refused at some point of its start: nothing is left", on_level) {
    EventLoop loop{mode.backend};
    ChildOptions options = piped({"cat"});
    options.environment = {"A=b"};
    options.output = ChildStream::descriptor(STDERR_FILENO); // needs copies of both
    options.errors = ChildStream::descriptor(STDOUT_FILENO);
    const int before = open_descriptors();
    const auto fails = [&](int nth) {
        try {
            const FailingMemory failing{nth};
            const Child child{loop, options, {}};
            return false;
        } catch (const std::bad_alloc&) {
            return true;
        }
    };
    int points = 0;
    while (fails(points + 1)) {
        ++points;
        REQUIRE_LT(points, 1000);
        CHECK_EQ(open_descriptors(), before);
        CHECK(has_no_children());
    }
    CHECK_GT(points, 3);
}
