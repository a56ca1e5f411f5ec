// Child: destroyed early, thrown out of, forked.

#include "support/calls.hpp"
#include "support/child.hpp"
#include "support/failing_memory.hpp"
#include "support/programs.hpp"

#include <cerrno>
#include <csignal>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <sys/wait.h>
#include <system_error>
#include <unistd.h>
#include <utility>

using namespace pollux;
using namespace pollux_test;

CONTRACT_CASE("child: destroyed while it runs: it is killed, and no zombie is left", on_level) {
    EventLoop loop{mode.backend};
    Told told;
    auto child = std::make_unique<Child>(loop, piped({"cat"}), note(told));
    child->write(std::string(500'000, '.'));
    Child moved{std::move(*child)};
    child.reset();
    CHECK_FALSE(has_no_children());
    Child other{loop, shell("trap '' TERM; read line"), note(told)};
    other = std::move(moved); // ends what `other` was
    CHECK(other.running());
    other = Child{loop, piped({"cat"}), note(told)};
    Child& same = other;
    other = std::move(same);
    CHECK(other.signal(0)); // it runs still
    { const Child last{std::move(other)}; }
    CHECK(has_no_children());
    CHECK_EQ(told.order, "");
    settle(loop);
}

CONTRACT_CASE("child: destroyed in each of its own callbacks", on_level) {
    EventLoop loop{mode.backend};
    std::optional<Child> child;
    bool destroyed = false;
    const auto destroy = [&](auto&&...) {
        CHECK_FALSE(destroyed);
        child.reset();
        destroyed = true;
    };
    const auto check = [&](const std::string& script, ChildHandlers handlers) {
        destroyed = false;
        child.emplace(loop, shell(script), std::move(handlers));
        child->write('\n' + std::string(200'000, '.')); // more than a pipe holds
        run_until(loop, [&] { return destroyed; });
        settle(loop);
        CHECK(has_no_children());
    };
    check("echo x; cat", {.on_output = destroy});
    check("echo x >&2; cat", {.on_errors = destroy});
    check("cat", {.on_drain = destroy});
    check("read line; exec 0<&-; cat", {.on_drain = destroy});
    check("echo x", {.on_exit = destroy});
    check("echo x", {.on_done = destroy});
}

CONTRACT_CASE("child: a handler throws: the loop knows its place, and nothing is lost", on_level) {
    EventLoop loop{mode.backend};
    Told told;
    ChildHandlers handlers = note(told);
    const auto throws = [&](auto& handler) {
        handler = [&, inner = std::move(handler)](auto&&... arguments) mutable {
            inner(arguments...);
            throw std::runtime_error{"thrown"};
        };
    };
    throws(handlers.on_output);
    throws(handlers.on_exit);
    throws(handlers.on_done);
    const Child child{loop, shell("echo x; exit 2"), std::move(handlers)};
    int thrown = 0;
    for (int turns_taken = 0; !told.is_done(); ++turns_taken) {
        REQUIRE_LT(turns_taken, 100);
        try {
            loop.run_once(std::chrono::seconds{10});
        } catch (const std::runtime_error&) {
            ++thrown;
        }
    }
    CHECK_EQ(told.order, "oxd");
    CHECK_EQ(told.output, "x\n");
    CHECK_EQ(thrown, 3);
}

CONTRACT_CASE("child: on_output throws with the last that it wrote: its exit is told all the same",
              on_level) {
    EventLoop loop{mode.backend};
    Told told;
    ChildHandlers handlers = note(told);
    handlers.on_output = [](ByteView) { throw std::runtime_error{"thrown"}; };
    // The inner one keeps the pipe open, so that no end of it tells again.
    Child child{loop, shell("exec 3<&0; cat <&3 & echo x; exit 2"), std::move(handlers)};
    child.pause_output();
    run_until(loop, [&] { return !child.running(); });
    child.resume_output();
    CHECK_THROWS_AS(settle(loop), std::runtime_error);
    settle(loop);
    CHECK_EQ(told.order, "x");
}

CONTRACT_CASE("child: calls that are interrupted, short, or told of for nothing", on_level) {
    EventLoop loop{mode.backend};
    Told told;
    Child child{loop, piped({"cat"}), note(told)};
    const Calls calls{[](const CallPoint& call) -> CallOutcome {
        const bool moves = call.name == "read" || call.name == "write";
        if (!moves && call.name != "waitid") return {};
        if (call.nth == 1) return {.error = EINTR};
        if (moves && call.nth == 2) return {.error = EAGAIN};
        if (moves) return {.at_most = 1};
        return {};
    }};
    CHECK(child.write("letter by letter"));
    child.close_input();
    run_until(loop, [&] { return told.is_done(); });
    CHECK_EQ(told.output, "letter by letter");
    CHECK((told.status == exited(0)));
}

CONTRACT_CASE("child: what cannot wait closes its input: nothing is written twice", on_level) {
    EventLoop loop{mode.backend};
    const auto refused = [&](const auto& refusal) {
        Told told;
        Child child{loop, piped({"cat"}), note(told)};
        const std::string much = pattern(500'000);
        CHECK_THROWS([&] {
            [[maybe_unused]] const auto lives = refusal();
            child.write(much);
        }());
        CHECK_FALSE(child.input_open());
        CHECK_FALSE(child.write(much));
        run_until(loop, [&] { return told.is_done(); });
        CHECK(much.starts_with(told.output));
    };
    refused([] { return FailingMemory{1}; });
    if (on_epoll(mode))
        refused([] {
            return Calls{[](const CallPoint& call) {
                return call.name == "epoll_ctl" ? CallOutcome{.error = ENOSPC} : CallOutcome{};
            }};
        });
}

namespace {

// Whatever the kernel says of it: EPERM of one that runs as somebody else now, ENOSYS of a filter
// of system calls, ESRCH.
void check_unkillable(const Mode& mode, int error) {
    EventLoop loop{mode.backend};
    std::optional<Child> child{std::in_place, loop, piped({"cat"}), ChildHandlers{}};
    const pid_t pid = child->pid();
    {
        const Calls calls{[error](const CallPoint& call) {
            return call.name == "pidfd_send_signal" ? CallOutcome{.error = error} : CallOutcome{};
        }};
        if (error != ESRCH) CHECK_THROWS_AS(child->signal(SIGTERM), std::system_error);
        child.reset();
    }
    int status = 0; // its input has ended
    CHECK_EQ(::waitpid(pid, &status, 0), pid);
    CHECK_EQ(status, 0);
}

} // namespace

CONTRACT_CASE("child: one that may not be killed is not waited for", on_level) {
    for (const int error : {EPERM, ENOSYS, ESRCH}) check_unkillable(mode, error);
    holds_in_child([&](const Expect& expect) { // nor when it cannot be watched
        EventLoop own{mode.backend};
        const Calls calls{[](const CallPoint& call) {
            if (call.name == "pidfd_open") return CallOutcome{.error = EMFILE};
            return call.name == "kill" ? CallOutcome{.error = EPERM} : CallOutcome{};
        }};
        expect(failure_of([&] {
                   const Child other{own, piped({"cat"}), {}};
               }) == "pidfd_open cat: Too many open files",
               "it says so at once");
        int ended = -1;
        expect(::wait(&ended) > 0 && ended == 0, "its input has ended");
    });
}

CONTRACT_CASE("W13 child: a forked process neither reads from it nor ends it", on_level) {
    EventLoop loop{mode.backend};
    Told told;
    std::optional<Child> child{std::in_place, loop, piped({"cat"}), note(told)};
    std::optional<Child> ended{std::in_place, loop, shell("echo x"), note(told)};
    siginfo_t found{};
    ::waitid(P_PID, static_cast<id_t>(ended->pid()), &found, WEXITED | WNOWAIT);
    holds_in_child([&](const Expect& expect) {
        loop.after_fork();
        expect(!child->write("y") && !child->signal(SIGKILL), "nothing can be done to it");
        settle(loop);
        expect(told.order.empty(), "nothing is called");
        expect(run(mode, shell("echo own")).output == "own\n", "children of its own are");
        child.reset();
        ended.reset();
    });
    holds_in_child([&](const Expect&) { child.reset(); }); // without after_fork
    run_until(loop, [&] { return told.is_done(); });
    CHECK_EQ(told.output, "x\n");
    CHECK(child->write("still here"));
    run_until(loop, [&] { return told.output == "x\nstill here"; });
}

CONTRACT_CASE("W13 child: a fork when its end is about to be told: told here, and not there",
              on_level) {
    EventLoop loop{mode.backend};
    Told told;
    ChildHandlers handlers = note(told);
    pid_t forked = -1;
    handlers.on_output = [&](ByteView) {
        forked = ::fork();
        if (forked == 0) loop.after_fork();
    };
    Child child{loop, shell("echo x"), std::move(handlers)};
    child.pause_output();
    run_until(loop, [&] { return !child.running(); });
    child.resume_output();
    run_until(loop, [&] { return forked >= 0; });
    if (forked == 0) ::_exit(told.order.empty() ? 0 : 1);
    int status = -1;
    CHECK_EQ(::waitpid(forked, &status, 0), forked);
    CHECK_EQ(status, 0);
    run_until(loop, [&] { return told.is_done(); });
    CHECK_EQ(told.order, "xd");
}
