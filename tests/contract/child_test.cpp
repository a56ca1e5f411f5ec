// Child: what goes through its standard streams, and how it ends.

#include "support/calls.hpp"
#include "support/child.hpp"
#include "support/failing_memory.hpp"
#include "support/programs.hpp"
#include "support/wake_up_budget.hpp"

#include <algorithm>
#include <array>
#include <csignal>
#include <fcntl.h>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>
#include <vector>

using namespace pollux;
using namespace pollux_test;

CONTRACT_CASE("child: what is written comes back through cat, and then its end", on_level) {
    EventLoop loop{mode.backend};
    Told told;
    Child child{loop, piped({"cat"}), note(told)};
    CHECK(child.running());
    CHECK(child.input_open());
    CHECK(child.write("one "));
    CHECK(child.write(""));
    run_until(loop, [&] { return told.output == "one "; });
    CHECK(child.write("two"));
    child.close_input();
    CHECK_FALSE(child.input_open());
    CHECK_FALSE(child.write("three"));
    run_until(loop, [&] { return told.is_done(); });
    CHECK_EQ(told.output, "one two");
    CHECK_EQ(told.order, "oxd");
    CHECK((told.status == exited(0)));
    CHECK(told.status->success());
    CHECK(has_no_children());
}

CONTRACT_CASE("child: much goes both ways at once, and never more than the limit waits", on_level) {
    constexpr std::size_t size = std::size_t{1} << 22;
    constexpr std::size_t step = 100'000;
    const std::string all = pattern(size);
    EventLoop loop{mode.backend};
    Told told;
    std::string_view rest = all;
    Child* cat = nullptr;
    const auto feed = [&] {
        while (!rest.empty() && cat->write(rest.substr(0, step)))
            rest.remove_prefix(std::min(step, rest.size()));
        CHECK_LE(cat->unsent(), std::size_t{1} << 18);
        if (rest.empty()) cat->close_input();
    };
    ChildHandlers handlers = note(told);
    handlers.on_drain = feed;
    ChildOptions options = piped({"cat"});
    options.input_limit = std::size_t{1} << 18;
    Child child{loop, options, std::move(handlers)};
    cat = &child;
    CHECK_FALSE(child.write(all)); // and nothing of it was taken
    CHECK_EQ(child.unsent(), 0);
    feed();
    CHECK_FALSE(rest.empty());
    run_until(loop, [&] { return told.is_done(); });
    CHECK((told.output == all));
    CHECK((told.status == exited(0)));
}

CONTRACT_CASE("child: on_drain is called once for what waited, and then all is quiet", on_level) {
    EventLoop loop{mode.backend};
    Told told;
    Child child{loop, piped({"cat"}), note(told)};
    CHECK(child.write("fits"));
    run_until(loop, [&] { return told.output == "fits"; });
    CHECK_EQ(told.drained, 0);
    CHECK(child.write(std::string(300'000, '.')));
    run_until(loop, [&] { return told.output.size() == 300'004; });
    settle(loop);
    CHECK_EQ(told.drained, 1);
    CHECK_EQ(child.unsent(), 0);
    CHECK(child.write(std::string(300'000, '.')));
    child.close_input(); // all is written before that
    run_until(loop, [&] { return told.is_done(); });
    CHECK_EQ(told.output.size(), 600'004);
    CHECK_EQ(told.drained, 2);
}

CONTRACT_CASE("child: output and errors come apart, or together", on_level) {
    const std::string script = "echo out; echo err >&2";
    const Told apart = run(mode, shell(script));
    CHECK_EQ(apart.output, "out\n");
    CHECK_EQ(apart.errors, "err\n");
    ChildOptions options = shell(script);
    options.errors = ChildStream::output();
    const Told together = run(mode, options);
    CHECK_EQ(together.output, "out\nerr\n");
    CHECK_EQ(together.errors, "");
}

CONTRACT_CASE("child: streams that are no pipes: none, descriptors, exchanged ones", on_level) {
    const Ends ends = pipe_ends();
    ChildOptions options = shell("cat; echo said; echo more >&2");
    options.input = ChildStream::null();
    options.output = ChildStream::descriptor(ends.theirs.get());
    const Told told = run(mode, options);
    CHECK_EQ(told.output, "");
    CHECK_EQ(told.errors, "more\n");
    CHECK_EQ(take(ends.ours), "said\n");
    holds_in_child([&](const Expect& expect) {
        const Ends other = pipe_ends();
        ::dup2(ends.theirs.get(), STDOUT_FILENO);
        ::dup2(other.theirs.get(), STDERR_FILENO);
        ChildOptions exchanged = shell("echo out; echo err >&2");
        exchanged.output = ChildStream::descriptor(STDERR_FILENO);
        exchanged.errors = ChildStream::descriptor(STDOUT_FILENO);
        const Told ended = run(mode, exchanged);
        expect(ended.status == exited(0), "it ran");
        expect(take(ends.ours) == "err\n", "errors go to this process's output");
        expect(take(other.ours) == "out\n", "and output to its errors");
    });
}

CONTRACT_CASE("child: pipes work for a program that has none of its standard streams", on_level) {
    holds_in_child([&](const Expect& expect) {
        for (int fd = 0; fd < 3; ++fd) ::close(fd);
        EventLoop loop{mode.backend};
        Told told;
        Child child{loop, shell("cat; echo err >&2"), note(told)};
        child.write("x");
        child.close_input();
        run_until(loop, [&] { return told.is_done(); });
        expect(told.output == "x" && told.errors == "err\n", "each where it belongs");
    });
}

CONTRACT_CASE("child: pipes that nobody listens to are emptied", on_level) {
    EventLoop loop{mode.backend};
    bool done = false;
    const Child child{loop,
                      shell("head -c 300000 /dev/zero; head -c 300000 /dev/zero >&2"),
                      {.on_done = [&] { done = true; }}};
    run_until(loop, [&] { return done; });
}

CONTRACT_CASE("child: paused output is not read, and holds back the end", on_level) {
    EventLoop loop{mode.backend};
    Told told;
    Child child{loop, shell("head -c 60000 /dev/zero; exit 3"), note(told)};
    child.pause_output();
    run_until(loop, [&] { return !child.running(); });
    settle(loop);
    CHECK_EQ(told.order, "");
    child.resume_output();
    run_until(loop, [&] { return told.is_done(); });
    CHECK_EQ(told.output.size(), 60'000);
    CHECK_EQ(told.order, "oxd");
    CHECK((told.status == exited(3)));
}

CONTRACT_CASE("child: it is held up while output is paused", on_level) {
    EventLoop loop{mode.backend};
    Told told;
    Child child{loop, shell("head -c 300000 /dev/zero; read line"), note(told)};
    run_until(loop, [&] { return !told.output.empty(); });
    child.pause_output();
    const std::size_t before = told.output.size();
    settle(loop);
    CHECK_EQ(told.output.size(), before);
    child.resume_output();
    run_until(loop, [&] { return told.output.size() == 300'000; });
    CHECK(child.running());
}

CONTRACT_CASE("child: it closes its input: an error state, and no SIGPIPE", on_level) {
    EventLoop loop{mode.backend};
    Told told;
    const ChildOptions options = shell("exec 0<&-; echo closed; kill -STOP $$");
    Child child{loop, options, note(told)};
    run_until(loop, [&] { return told.output == "closed\n"; });
    CHECK(child.input_open());
    CHECK_FALSE(child.write("x"));
    CHECK_FALSE(child.input_open());
    CHECK_FALSE(child.write("x"));
    CHECK_EQ(told.drained, 0);
    CHECK(child.running());
    child.signal(SIGKILL);
    run_until(loop, [&] { return told.is_done(); });
    CHECK((told.status == killed(SIGKILL)));
}

CONTRACT_CASE("child: it closes its input while some waits: on_drain says so", on_level) {
    EventLoop loop{mode.backend};
    Told told;
    Child child{loop, shell("kill -STOP $$"), note(told)};
    CHECK(child.write(std::string(500'000, '.')));
    CHECK_GT(child.unsent(), 0);
    settle(loop);
    CHECK_EQ(told.drained, 0);
    child.signal(SIGKILL); // its end closes the pipe
    run_until(loop, [&] { return told.drained > 0; });
    CHECK_EQ(told.drained, 1);
    CHECK_EQ(child.unsent(), 0);
    CHECK_FALSE(child.input_open());
    run_until(loop, [&] { return told.is_done(); });
    CHECK((told.status == killed(SIGKILL)));
}

CONTRACT_CASE("child: exit codes, and signals that kill", on_level) {
    CHECK((run(mode, shell("exit 0")).status == exited(0)));
    CHECK((run(mode, shell("exit 255")).status == exited(255)));
    CHECK_FALSE(run(mode, shell("exit 1")).status->success());
    CHECK((run(mode, shell("kill -USR1 $$")).status == killed(SIGUSR1)));
    const ExitStatus aborted = *run(mode, shell("ulimit -c 0; kill -ABRT $$")).status;
    CHECK((aborted == killed(SIGABRT)));
    CHECK_FALSE(aborted.success());
}

CONTRACT_CASE("child: signals reach it, and after its end nobody", on_level) {
    EventLoop loop{mode.backend};
    Told told;
    Child child{loop, shell("trap 'echo got' USR1; echo ready; while read line; do :; done"),
                note(told)};
    run_until(loop, [&] { return told.output == "ready\n"; });
    CHECK(child.signal(SIGUSR1));
    CHECK_EQ(failure_of([&] { child.signal(12345); }),
             "pidfd_send_signal " + std::to_string(child.pid()) + ": Invalid argument");
    child.write("\n"); // a shell may look at its traps between two commands only
    child.close_input();
    run_until(loop, [&] { return told.is_done(); });
    CHECK_EQ(told.output, "ready\ngot\n");
    const Calls calls;
    CHECK_FALSE(child.signal(SIGKILL));
    CHECK_EQ(calls.of("pidfd_send_signal"), 0);
}

CONTRACT_CASE("child: who keeps its pipes does not hold back its exit", on_level) {
    EventLoop loop{mode.backend};
    Told told;
    // The inner one lives until its input ends, and then says something.
    Child child{loop, shell("exec 3<&0; { cat <&3; echo later; } & echo now; exit 5"), note(told)};
    run_until(loop, [&] { return told.has_exited(); });
    CHECK_EQ(told.output, "now\n");
    CHECK_EQ(told.order, "ox");
    CHECK((told.status == exited(5)));
    {
        const WakeUpBudget budget{loop, 1};
        settle(loop);
    }
    CHECK(child.write("and "));
    child.close_input();
    run_until(loop, [&] { return told.is_done(); });
    CHECK_EQ(told.output, "now\nand later\n");
    CHECK_EQ(told.order, "oxod");
}

CONTRACT_CASE("child: what waits for its input puts off on_done, which is the last call",
              on_level) {
    EventLoop loop{mode.backend};
    Told told;
    ChildHandlers handlers = note(told);
    handlers.on_drain = [&] { told.order += 'w'; };
    std::array<int, 2> ends{};
    REQUIRE_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
    const Fd theirs{ends[0]};
    const Fd ours{ends[1]};
    // The inner one has nothing but its input, and reads it when it is told to.
    ChildOptions options = shell("exec 3<&0; { read line <&2; exec cat; } <&3 >/dev/null & exit 0");
    options.errors = ChildStream::descriptor(theirs.get());
    Child child{loop, options, std::move(handlers)};
    const std::string much(500'000, '.');
    CHECK(child.write(much));
    run_until(loop, [&] { return told.has_exited(); });
    settle(loop);
    CHECK_EQ(told.order, "x");
    SUBCASE("it is read") {
        put(ours, "go on\n");
        run_until(loop, [&] { return told.is_done(); });
        CHECK_EQ(told.order, "xwd");
    }
    SUBCASE("it is lost, because more of it could not wait") {
        CHECK_THROWS_AS(
            [&] {
                const FailingMemory failing{1};
                child.write(std::string_view{much});
            }(),
            std::bad_alloc);
        run_until(loop, [&] { return told.is_done(); });
        CHECK_EQ(told.order, "xd");
    }
    CHECK_FALSE(child.input_open());
    CHECK_FALSE(child.write("."));
}

CONTRACT_CASE("child: an endless writer behind it does not put off its exit", on_level) {
    EventLoop loop{mode.backend};
    Told told;
    auto child = std::make_unique<Child>(loop, shell("yes & exit 0"), note(told));
    run_until(loop, [&] { return told.has_exited(); });
    child.reset(); // and that ends the writer, by SIGPIPE
}

CONTRACT_CASE("child: fifty at once", on_level) {
    EventLoop loop{mode.backend};
    std::vector<Told> told(50);
    std::vector<std::unique_ptr<Child>> children;
    for (std::size_t i = 0; i < told.size(); ++i) {
        children.push_back(std::make_unique<Child>(
            loop, shell("read line; echo $line; exit " + std::to_string(i)), note(told[i])));
        children.back()->write("number " + std::to_string(i) + "\n");
    }
    run_until(loop, [&] { return std::ranges::all_of(told, &Told::is_done); });
    for (std::size_t i = 0; i < told.size(); ++i) {
        CHECK_EQ(told[i].output, "number " + std::to_string(i) + "\n");
        CHECK((told[i].status == exited(static_cast<int>(i))));
    }
    CHECK(has_no_children());
}

CONTRACT_CASE("child: children of others are left alone", on_level) {
    const pid_t other = ::fork();
    if (other == 0) ::_exit(7);
    siginfo_t found{};
    ::waitid(P_PID, static_cast<id_t>(other), &found, WEXITED | WNOWAIT); // a zombie by now
    CHECK((run(mode, shell("exit 0")).status == exited(0)));
    int status = 0;
    CHECK_EQ(::waitpid(other, &status, 0), other);
    CHECK_EQ(WEXITSTATUS(status), 7);
}

CONTRACT_CASE("child: SIGCHLD is ignored, or its end waited for by another: unknown", on_level) {
    holds_in_child([&](const Expect& expect) {
        ::signal(SIGCHLD, SIG_IGN);
        const Told ignored = run(mode, shell("echo x; exit 3"));
        expect(ignored.output == "x\n" && ignored.order == "oxd", "all is told");
        expect(ignored.status == ExitStatus{}, "but how it ended");
        {
            EventLoop loop{mode.backend};
            const Child child{loop, piped({"cat"}), {}}; // killed in no time
        }
        const Calls gone{[](const CallPoint& call) {
            return call.name == "pidfd_open" ? CallOutcome{.error = ESRCH} : CallOutcome{};
        }};
        expect(run(mode, shell("exit 3")).order == "xd", "gone before it could be looked at");
    });
    EventLoop loop{mode.backend};
    Told told;
    const Child child{loop, shell("exit 3"), note(told)};
    int status = 0;
    CHECK_EQ(::waitpid(child.pid(), &status, 0), child.pid());
    run_until(loop, [&] { return told.is_done(); });
    CHECK((told.status == ExitStatus{}));
}
