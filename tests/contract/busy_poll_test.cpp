// What a loop may ask of epoll itself (LoopOptions::busy_poll), and what becomes of it where the
// kernel or the backend does not have it.

#include "support/child.hpp"
#include "support/contract.hpp"

#include <cerrno>
#include <cstdint>
#include <optional>
#include <pollux/event_loop.hpp>
#include <pollux/instruments/call_hook.hpp>
#include <system_error>

using namespace pollux;
using namespace pollux_test;
using namespace std::chrono_literals;

namespace {

constexpr BusyPoll some{.time = 50us, .budget = 16, .preferred = true};

// What the kernel says of a loop with these parameters; 0 where it takes them.
int refusal_of(Backend backend, const BusyPoll& wanted) {
    try {
        const EventLoop loop{backend, {.busy_poll = wanted}};
        return 0;
    } catch (const std::system_error& error) {
        return error.code().value();
    }
}

// Linux 6.9, built with it.
bool kernel_has_it() {
    const int refusal = refusal_of(Backend::epoll, some);
    if (refusal == 0) return true;
    CHECK((refusal == ENOTTY || refusal == EOPNOTSUPP));
    MESSAGE("this kernel has no busy poll of epoll: " << refusal);
    return false;
}

} // namespace

TEST_CASE("busy poll: epoll takes it, and gives it back") {
    if (!kernel_has_it()) return;
    const EventLoop loop{Backend::epoll, {.busy_poll = some}};
    CHECK(busy_poll_of(loop.descriptor()) == some);
    set_busy_poll(loop.descriptor(), {.time = 0us, .budget = 8});
    CHECK(busy_poll_of(loop.descriptor()) == BusyPoll{.time = 0us, .budget = 8});
    const EventLoop plain{Backend::epoll};
    CHECK_EQ(busy_poll_of(plain.descriptor()).time, 0us);
}

TEST_CASE("busy poll: a child's own set has it too") {
    if (!kernel_has_it()) return;
    EventLoop loop{Backend::epoll, {.busy_poll = some}};
    holds_in_child([&](const Expect& expect) {
        loop.after_fork();
        expect(busy_poll_of(loop.descriptor()) == some, "as in the parent");
    });
}

TEST_CASE("busy poll: what cannot be is refused, and says so") {
    CHECK_EQ(refusal_of(Backend::poll, some), ENOTSUP);
    CHECK_EQ(refusal_of(Backend::select, some), ENOTSUP);
    CHECK_EQ(refusal_of(Backend::epoll, {.time = -1us}), EINVAL);
    CHECK_EQ(refusal_of(Backend::epoll, {.time = std::chrono::seconds{2148}}), EINVAL);
    // The kernel has 32 bits for it, and would take what is left of these.
    constexpr std::chrono::microseconds wrap{std::int64_t{1} << 32};
    CHECK_EQ(refusal_of(Backend::epoll, {.time = wrap + 50us}), EINVAL);
    CHECK_EQ(refusal_of(Backend::epoll, {.time = 50us - wrap}), EINVAL);
    CHECK_THROWS_WITH_AS(set_busy_poll(-1, some),
                         "ioctl EPIOCSPARAMS this backend has no epoll: Operation not supported",
                         std::system_error);
}

TEST_CASE("busy poll: the kernel refuses, by its version, its making or the budget") {
    for (const int refusal : {ENOTTY, EOPNOTSUPP, EPERM}) {
        const CallHook hook{[&](const CallPoint& call) {
            return call.name == "ioctl" ? CallOutcome{.error = refusal} : CallOutcome{};
        }};
        CHECK_EQ(refusal_of(Backend::epoll, some), refusal);
        const EventLoop without{Backend::epoll};
    }
}
