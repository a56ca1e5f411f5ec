// Torture finds what is wrong: scenarios with a mistake each.

#include "support/sockets.hpp"
#include "torture/torture.hpp"

#include <memory>
#include <pollux/event_loop.hpp>
#include <pollux/net/socket.hpp>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <system_error>
#include <utility>
#include <vector>

using namespace pollux;
using namespace pollux_test;

namespace {

// What a mistake loses, so that it ends with the program.
std::vector<Socket>& lost() {
    static std::vector<Socket> all;
    return all;
}

// Opens two sockets as a program does, and does as told when it cannot have the second.
template <class Mistake> void with_two_sockets(Trial& trial, Mistake mistake) {
    bool right = false;
    trial.act([&] {
        Socket one = Socket::open(AF_UNIX);
        try {
            const Socket other = Socket::open(AF_UNIX);
            right = true;
        } catch (const std::system_error& error) {
            mistake(error, std::move(one));
        }
    });
    trial.right(right);
}

void keeps_a_descriptor(Trial& trial) {
    lost().reserve(100);
    with_two_sockets(trial, [&](const std::system_error& error, Socket one) {
        trial.report(error.what());
        lost().push_back(std::move(one));
    });
}

void keeps_memory(Trial& trial) {
    static std::unique_ptr<std::unique_ptr<int>[]> kept;
    static int count = 0;
    if (kept == nullptr) kept = std::make_unique<std::unique_ptr<int>[]>(100);
    with_two_sockets(trial, [&](const std::system_error& error, const Socket&) {
        trial.report(error.what());
        kept[static_cast<std::size_t>(count++)] = std::make_unique<int>(1);
    });
}

void tells_and_gives_back(Trial& trial) {
    with_two_sockets(
        trial, [&](const std::system_error& error, const Socket&) { trial.report(error.what()); });
}

void says_nothing(Trial& trial) {
    with_two_sockets(trial, [](const std::system_error&, const Socket&) {});
}

void says_it_twice(Trial& trial) {
    with_two_sockets(trial, [&](const std::system_error& error, const Socket&) {
        trial.report(error.what());
        trial.report("it did not work");
    });
}

void lets_nobody_in(Trial& trial) {
    bool is_served = true;
    with_two_sockets(trial, [&](const std::system_error& error, const Socket&) {
        trial.report(error.what());
        is_served = false;
    });
    trial.rest();
    trial.expect(is_served, "the next client is served");
    trial.go_on();
}

// Its loop, where it could not do its job, spins with what is ready, or waits for nothing.
template <bool spins> void never_ends(Trial& trial) {
    EventLoop loop{trial.mode.backend};
    const Ends ends = unix_pair();
    Watch watch;
    bool failed = false;
    with_two_sockets(trial, [&](const std::system_error& error, const Socket&) {
        trial.report(error.what());
        failed = true;
    });
    if (failed && spins)
        watch = loop.watch(ends.ours.get(), Interest::write, Trigger::level, [](Readiness) {});
    trial.until(loop, [&] { return !failed; });
}

bool finds(Scenario scenario, std::string_view fault, std::string_view what) {
    std::string found;
    torture({Backend::epoll, Trigger::level}, "planted", scenario, {.found = &found});
    INFO(found);
    const std::string line =
        "--fault='" + std::string{fault} + "' -tc='torture finds planted mistakes': ";
    return found.find(line + std::string{what}) != std::string::npos;
}

} // namespace

TEST_CASE("torture finds planted mistakes") {
    CHECK(finds(keeps_a_descriptor, "socket@2=EMFILE", "not so: descriptors are closed"));
    lost().clear();
    CHECK(finds(keeps_memory, "socket@2=EMFILE", "not so: memory is given back"));
    CHECK(finds(says_nothing, "socket@2=EMFILE", "the job was not done, and nobody said why"));
    CHECK(finds(says_it_twice, "socket@2=EMFILE", "reported: socket"));
    CHECK(finds(lets_nobody_in, "socket@2=EMFILE", "not so: the next client is served"));
    CHECK(finds(never_ends<true>, "socket@2=EMFILE", "more turns than the budget allows"));
    CHECK(finds(never_ends<false>, "socket@2=EMFILE", "it is stuck"));
}

TEST_CASE("torture finds nothing where nothing is wrong") {
    std::string found;
    torture({Backend::epoll, Trigger::level}, "planted", tells_and_gives_back, {.found = &found});
    CHECK_EQ(found, "");
}
