// W6, W11, W12 of the catalogue: signals as events.

#include "support/contract.hpp"
#include "support/streams.hpp"

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <memory>
#include <pollux/signals.hpp>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

using namespace pollux;
using namespace pollux_test;

namespace {

bool is_blocked(int signal) {
    sigset_t now;
    ::pthread_sigmask(SIG_SETMASK, nullptr, &now);
    return ::sigismember(&now, signal) == 1;
}

} // namespace

CONTRACT_CASE("a signal is delivered once, as an event, and the mask comes back", on_level) {
    EventLoop loop{mode.backend};
    std::vector<int> got;
    CHECK_FALSE(is_blocked(SIGUSR1));
    {
        const SignalWatch watch{
            loop, {SIGUSR1, SIGUSR2}, [&](int signal) { got.push_back(signal); }};
        CHECK(is_blocked(SIGUSR1));
        ::raise(SIGUSR2);
        CHECK(got.empty()); // by the loop, not by the kernel
        settle(loop);
        CHECK_EQ(got, std::vector{SIGUSR2});
        settle(loop);
        CHECK_EQ(got.size(), 1);
    }
    CHECK_FALSE(is_blocked(SIGUSR1));
}

CONTRACT_CASE("W11 two of one number before the loop looks count as one, of two numbers as two",
              on_level) {
    EventLoop loop{mode.backend};
    std::vector<int> got;
    const SignalWatch watch{loop, {SIGUSR1, SIGUSR2}, [&](int signal) { got.push_back(signal); }};
    ::raise(SIGUSR1);
    ::raise(SIGUSR1);
    ::raise(SIGUSR2);
    settle(loop);
    CHECK_EQ(got, std::vector{SIGUSR1, SIGUSR2});
    ::raise(SIGUSR1);
    settle(loop);
    CHECK_EQ(got.size(), 3);
}

CONTRACT_CASE("W10 a signal wakes a loop that waits", on_level) {
    EventLoop loop{mode.backend};
    int got = 0;
    const SignalWatch watch{loop, {SIGUSR1}, [&](int signal) {
                                got = signal;
                                loop.stop();
                            }};
    const pid_t parent = ::getpid();
    const pid_t child = ::fork();
    if (child == 0) {
        ::kill(parent, SIGUSR1);
        ::_exit(0);
    }
    loop.run();
    CHECK_EQ(got, SIGUSR1);
    ::waitpid(child, nullptr, 0);
}

CONTRACT_CASE("the callback destroys its watch: nothing more, and the mask comes back", on_level) {
    EventLoop loop{mode.backend};
    std::unique_ptr<SignalWatch> watch;
    const auto kept = std::make_shared<int>(0);
    watch = std::make_unique<SignalWatch>(loop, std::initializer_list<int>{SIGUSR1},
                                          [&watch, kept](int) {
                                              watch.reset();
                                              ++*kept;
                                          });
    ::raise(SIGUSR1);
    settle(loop);
    CHECK_EQ(*kept, 1);
    CHECK_EQ(kept.use_count(), 1);
    CHECK_FALSE(is_blocked(SIGUSR1));
}

CONTRACT_CASE("a signal blocked before stays blocked afterwards", on_level) {
    EventLoop loop{mode.backend};
    sigset_t one;
    ::sigemptyset(&one);
    ::sigaddset(&one, SIGUSR1);
    ::pthread_sigmask(SIG_BLOCK, &one, nullptr);
    {
        const SignalWatch watch{loop, {SIGUSR1}, [](int) {}};
    }
    CHECK(is_blocked(SIGUSR1));
    ::pthread_sigmask(SIG_UNBLOCK, &one, nullptr);
}

CONTRACT_CASE("W12 writing to whoever is gone kills nobody, and changes no disposition",
              everywhere) {
    struct sigaction before {};
    ::sigaction(SIGPIPE, nullptr, &before);
    CHECK((before.sa_handler == SIG_DFL)); // it would kill
    EventLoop loop{mode.backend};
    Seen seen;
    ConnectionSet set{loop, note(seen), {.trigger = mode.trigger}};
    Adopted one = adopt_unix(set);
    one.theirs.reset();
    CHECK_FALSE(set.find(one.id)->send("x"));
    CHECK(closed_once(seen, CloseReason::error, EPIPE));
    struct sigaction after {};
    ::sigaction(SIGPIPE, nullptr, &after);
    CHECK((after.sa_handler == SIG_DFL));
}
