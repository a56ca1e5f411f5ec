// R of the catalogue: adding, changing and removing registrations, at the seam.

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <fcntl.h>
#include <functional>
#include <new>
#include <poll.h>
#include <pollux/error.hpp>
#include <string>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <unistd.h>
#include <vector>

#include "support/contract.hpp"
#include "support/failing_memory.hpp"
#include "support/observing.hpp"
#include "support/sockets.hpp"

using namespace pollux;
using namespace pollux_test;

namespace {

/// Counters with the same initial value, watched for reading under tokens 0, 1, 2 …
std::vector<Fd> watched_counters(const Mode& mode, Reactor& reactor, std::size_t count,
                                 unsigned initial) {
    std::vector<Fd> counters;
    counters.reserve(count);
    for (std::size_t place = 0; place < count; ++place) {
        counters.push_back(counter(initial));
        reactor.add(counters.back().get(), Token{place}, Interest::read, mode.trigger);
    }
    return counters;
}

/// How often each of the tokens 0 … count-1 is reported within so many waits.
std::vector<int> reports(Reactor& reactor, std::size_t count, int waits) {
    std::vector<int> times(count);
    for (; waits > 0; --waits)
        for (const Event& event : reactor.wait(Timeout::zero())) {
            CHECK_EQ(event.ready, Readiness::readable);
            ++times.at(static_cast<std::size_t>(event.token));
        }
    return times;
}

// Nobody is left out; and where a report is given once, nobody is told twice.
void check_each_reported(const Mode& mode, const std::vector<int>& times) {
    if (times.empty()) return;
    const auto [least, most] = std::ranges::minmax(times);
    CHECK_GE(least, 1);
    if (!mode.is(Trigger::level)) CHECK_EQ(most, 1);
}

// Whether an add fails whose nth allocation does.
bool add_fails(const Mode& mode, Reactor& reactor, const Fd& fd, Token token, int nth) {
    const FailingMemory failing{nth};
    try {
        reactor.add(fd.get(), token, Interest::read, mode.trigger);
    } catch (const std::bad_alloc&) {
        return true;
    }
    return false;
}

/// While it lives, no descriptor number at or above `limit` can be opened.
class DescriptorLimit {
public:
    explicit DescriptorLimit(rlim_t limit) {
        check(::getrlimit(RLIMIT_NOFILE, &before_), "getrlimit");
        const rlimit lower{.rlim_cur = limit, .rlim_max = before_.rlim_max};
        check(::setrlimit(RLIMIT_NOFILE, &lower), "setrlimit");
    }
    ~DescriptorLimit() { ::setrlimit(RLIMIT_NOFILE, &before_); }
    DescriptorLimit(const DescriptorLimit&) = delete;
    DescriptorLimit& operator=(const DescriptorLimit&) = delete;

private:
    rlimit before_{};
};

} // namespace

CONTRACT_CASE("R1 idle pair: nothing is reported", everywhere) {
    const Ends ends = unix_pair();
    const auto reactor = mode.reactor();
    reactor->add(ends.ours.get(), Token{1}, Interest::read, mode.trigger);
    CHECK_EQ(look(*reactor), "");
}

CONTRACT_CASE("R2 adding twice is EEXIST and leaves the first registration", everywhere) {
    const Ends ends = unix_pair();
    const auto reactor = mode.reactor();
    reactor->add(ends.ours.get(), Token{1}, Interest::read, mode.trigger);
    CHECK_EQ(
        error_of([&] { reactor->add(ends.ours.get(), Token{2}, Interest::write, mode.trigger); }),
        EEXIST);
    CHECK_EQ(look(*reactor), "");
    put(ends.theirs, "x");
    CHECK_EQ(look(*reactor), "1:readable");
}

CONTRACT_CASE("R3 modify of what is not watched is ENOENT, remove says no", everywhere) {
    const Ends ends = unix_pair();
    const Ends other = unix_pair();
    put(ends.theirs, "x");
    const auto reactor = mode.reactor();
    reactor->add(other.ours.get(), Token{2}, Interest::write, mode.trigger);
    CHECK_EQ(
        error_of([&] { reactor->modify(ends.ours.get(), Token{1}, Interest::read, mode.trigger); }),
        ENOENT);
    CHECK_FALSE(reactor->remove(ends.ours.get()));
    CHECK_EQ(look(*reactor), "2:writable"); // nothing changed
    reactor->add(ends.ours.get(), Token{1}, Interest::read, mode.trigger);
    CHECK_EQ(look(*reactor), mode.is(Trigger::level) ? "1:readable 2:writable" : "1:readable");
}

CONTRACT_CASE("R4 removing twice: the second says no", everywhere) {
    const Ends ends = unix_pair();
    put(ends.theirs, "x");
    const auto reactor = mode.reactor();
    reactor->add(ends.ours.get(), Token{1}, Interest::read, mode.trigger);
    CHECK(reactor->remove(ends.ours.get()));
    CHECK_FALSE(reactor->remove(ends.ours.get()));
    CHECK_EQ(look(*reactor), "");
}

// epoll has forgotten the descriptor when it was closed; select and poll have not.
CONTRACT_CASE("R5 remove after close: no event, and the number can be watched again", everywhere) {
    Ends ends = unix_pair();
    const int number = ends.ours.get();
    put(ends.theirs, "x");
    const auto reactor = mode.reactor();
    reactor->add(number, Token{1}, Interest::read, mode.trigger);
    ends.ours.reset();
    CHECK_EQ(reactor->remove(number), !on_epoll(mode));
    CHECK_EQ(look(*reactor), "");
    const Ends next = unix_pair();
    REQUIRE_EQ(next.ours.get(), number);
    put(next.theirs, "x");
    reactor->add(number, Token{2}, Interest::read, mode.trigger);
    CHECK_EQ(look(*reactor), "2:readable");
}

CONTRACT_CASE("R6 remove after dup2 replaced the file: the new file is untouched", everywhere) {
    const Ends ends = unix_pair();
    const Ends next = unix_pair();
    const auto reactor = mode.reactor();
    reactor->add(ends.ours.get(), Token{1}, Interest::read, mode.trigger);
    check(::dup2(next.ours.get(), ends.ours.get()), "dup2");
    CHECK_EQ(reactor->remove(ends.ours.get()), !on_epoll(mode));
    put(next.theirs, "new");
    CHECK_EQ(look(*reactor), "");
    CHECK_EQ(take(ends.ours), "new");
}

CONTRACT_CASE("R7 no such descriptor: an error, and nothing is registered", everywhere) {
    const Ends ends = unix_pair();
    const auto reactor = mode.reactor();
    reactor->add(ends.ours.get(), Token{1}, Interest::write, mode.trigger);
    const int closed = ::dup(ends.ours.get());
    check(::close(closed), "close");
    for (const int fd : {-1, -2, INT_MIN, INT_MAX, FD_SETSIZE, FD_SETSIZE - 1, closed}) {
        CAPTURE(fd);
        const int expected = mode.is(Backend::select) && fd >= FD_SETSIZE ? ERANGE : EBADF;
        CHECK_EQ(error_of([&] { reactor->add(fd, Token{2}, Interest::read, mode.trigger); }),
                 expected);
        CHECK_EQ(error_of([&] { reactor->modify(fd, Token{2}, Interest::read, mode.trigger); }),
                 on_epoll(mode) ? EBADF : ENOENT);
        CHECK_FALSE(reactor->remove(fd));
    }
    CHECK_EQ(look(*reactor), "1:writable");
}

CONTRACT_CASE("R8 a modify the kernel refuses leaves the registration as it was", on_epoll) {
    const Ends ends = unix_pair();
    const auto reactor = mode.reactor();
    reactor->add(ends.ours.get(), Token{1}, Interest::read, mode.trigger);
    for (const int refusal : {ENOMEM, ENOSPC}) {
        const CallHook hook{failing("epoll_ctl", refusal)};
        CHECK_EQ(error_of([&] {
                     reactor->modify(ends.ours.get(), Token{2}, Interest::write, mode.trigger);
                 }),
                 refusal);
    }
    CHECK_EQ(look(*reactor), "");
    put(ends.theirs, "x");
    CHECK_EQ(look(*reactor), "1:readable");
}

CONTRACT_CASE("R8 a modify to edge, refused, leaves the registration as it was", with_levels_only) {
    const Ends ends = unix_pair();
    const auto reactor = mode.reactor();
    reactor->add(ends.ours.get(), Token{1}, Interest::read, mode.trigger);
    CHECK_EQ(error_of([&] {
                 reactor->modify(ends.ours.get(), Token{2}, Interest::write, Trigger::edge);
             }),
             ENOTSUP);
    CHECK_EQ(look(*reactor), "");
    put(ends.theirs, "x");
    CHECK_EQ(look(*reactor), "1:readable");
}

// Method: the k-th allocation of `add` fails, for every k until none is left to fail, and then the
// first one of another try; tried where the tables are empty, where they are full, and where the
// number is higher than any before.
CONTRACT_CASE("R8 an add without memory leaves the registrations as they were", everywhere) {
    for (const std::size_t before : {std::size_t{0}, std::size_t{1}, std::size_t{64}}) {
        CAPTURE(before);
        bool failed = true;
        for (int nth = 1; failed; ++nth) {
            const auto reactor = mode.reactor();
            const auto counters = watched_counters(mode, *reactor, before, 1);
            const Fd late{check(::fcntl(counter(1).get(), F_DUPFD_CLOEXEC, 900), "fcntl")};
            failed = add_fails(mode, *reactor, late, Token{before}, nth);
            const bool failed_again = failed && add_fails(mode, *reactor, late, Token{before}, 1);
            if (!failed || !failed_again) CHECK(reactor->remove(late.get()));
            check_each_reported(mode, reports(*reactor, before, 3));
            CHECK_FALSE(reactor->remove(late.get()));
            reactor->add(late.get(), Token{before}, Interest::read, mode.trigger);
            CHECK_EQ(reports(*reactor, before + 1, 3).back(), mode.is(Trigger::level) ? 3 : 1);
        }
    }
}

// Method: more is ready than a first batch holds, so that the next wait wants more room.
CONTRACT_CASE("R8 a wait without memory loses no event", everywhere) {
    bool failed = true;
    for (int nth = 1; failed; ++nth) {
        failed = false;
        const auto reactor = mode.reactor();
        const auto counters = watched_counters(mode, *reactor, 200, 1);
        std::vector<int> times = reports(*reactor, counters.size(), 1);
        {
            const FailingMemory failing{nth};
            try {
                for (const Event& event : reactor->wait(Timeout::zero()))
                    ++times.at(static_cast<std::size_t>(event.token));
            } catch (const std::bad_alloc&) {
                failed = true;
            }
        }
        const auto later = reports(*reactor, counters.size(), 5);
        std::ranges::transform(times, later, times.begin(), std::plus{});
        check_each_reported(mode, times);
    }
}

CONTRACT_CASE("R9 data pending before add: one event", everywhere) {
    const Ends ends = unix_pair();
    put(ends.theirs, "x");
    const auto reactor = mode.reactor();
    reactor->add(ends.ours.get(), Token{1}, Interest::read, mode.trigger);
    CHECK_EQ(look(*reactor), "1:readable");
    CHECK_EQ(look(*reactor), mode.is(Trigger::level) ? "1:readable" : "");
}

CONTRACT_CASE("R10 modify without a wait between: the last interest holds", everywhere) {
    const Ends ends = unix_pair();
    const auto reactor = mode.reactor();
    reactor->add(ends.ours.get(), Token{1}, Interest::read, mode.trigger);
    reactor->modify(ends.ours.get(), Token{2}, Interest::write, mode.trigger);
    reactor->modify(ends.ours.get(), Token{3}, Interest::read, mode.trigger);
    CHECK_EQ(look(*reactor), "");
    put(ends.theirs, "x");
    CHECK_EQ(look(*reactor), "3:readable");
    reactor->modify(ends.ours.get(), Token{4}, Interest::urgent, mode.trigger);
    CHECK_EQ(look(*reactor), "");
    reactor->modify(ends.ours.get(), Token{5}, Interest::write, mode.trigger);
    CHECK_EQ(look(*reactor), "5:writable");
}

CONTRACT_CASE("R11 modify to the same: edge and one-shot report once more", everywhere) {
    const Ends ends = unix_pair();
    put(ends.theirs, "x");
    const auto reactor = mode.reactor();
    reactor->add(ends.ours.get(), Token{1}, Interest::read, mode.trigger);
    const std::string again = mode.is(Trigger::level) ? "1:readable" : "";
    for (int round = 0; round < 3; ++round) {
        CHECK_EQ(look(*reactor), "1:readable");
        CHECK_EQ(look(*reactor), again);
        reactor->modify(ends.ours.get(), Token{1}, Interest::read, mode.trigger);
    }
}

CONTRACT_CASE("R13 a removed listener reports no client", everywhere) {
    const Fd listener = tcp_listener();
    const auto reactor = mode.reactor();
    reactor->add(listener.get(), Token{1}, Interest::read, mode.trigger);
    REQUIRE(reactor->remove(listener.get()));
    const Fd client = tcp_client(port_of(listener));
    await(listener, POLLIN);
    CHECK_EQ(look(*reactor), "");
}

CONTRACT_CASE("R14 what the kernel cannot wait for: EPERM from epoll, ready elsewhere",
              everywhere) {
    const auto reactor = mode.reactor();
    const std::array files{Fd{check(::memfd_create("pollux test", MFD_CLOEXEC), "memfd_create")},
                           Fd{check(::open(".", O_DIRECTORY | O_CLOEXEC), "open .")},
                           Fd{check(::open("/dev/null", O_RDWR | O_CLOEXEC), "open /dev/null")}};
    for (std::size_t place = 0; place < files.size(); ++place) {
        const int error = error_of([&] {
            reactor->add(files.at(place).get(), Token{place}, Interest::read_write, mode.trigger);
        });
        CHECK_EQ(error, on_epoll(mode) ? EPERM : 0);
    }
    CHECK_EQ(look(*reactor),
             on_epoll(mode) ? "" : "0:readable|writable 1:readable|writable 2:readable|writable");
}

CONTRACT_CASE("R15 select: the last number that fits works, the next is ERANGE", on_select) {
    const Ends ends = unix_pair();
    const Fd last{check(::fcntl(ends.ours.get(), F_DUPFD_CLOEXEC, FD_SETSIZE - 1), "fcntl")};
    const Fd beyond{check(::fcntl(ends.ours.get(), F_DUPFD_CLOEXEC, FD_SETSIZE), "fcntl")};
    REQUIRE_EQ(last.get(), FD_SETSIZE - 1);
    REQUIRE_EQ(beyond.get(), FD_SETSIZE);
    const auto reactor = mode.reactor();
    reactor->add(last.get(), Token{1}, Interest::read, mode.trigger);
    CHECK_EQ(error_of([&] { reactor->add(beyond.get(), Token{2}, Interest::read, mode.trigger); }),
             ERANGE);
    CHECK_EQ(
        error_of([&] { reactor->modify(beyond.get(), Token{2}, Interest::read, mode.trigger); }),
        ENOENT);
    CHECK_FALSE(reactor->remove(beyond.get()));
    put(ends.theirs, "x");
    CHECK_EQ(look(*reactor), "1:readable");
    CHECK(reactor->remove(last.get()));
    CHECK_EQ(look(*reactor), "");
}

CONTRACT_CASE("R15 the boundary of select is none for the others", not_on_select) {
    const Ends ends = unix_pair();
    const Fd beyond{check(::fcntl(ends.ours.get(), F_DUPFD_CLOEXEC, FD_SETSIZE), "fcntl")};
    const auto reactor = mode.reactor();
    reactor->add(beyond.get(), Token{1}, Interest::read, mode.trigger);
    put(ends.theirs, "x");
    CHECK_EQ(look(*reactor), "1:readable");
}

CONTRACT_CASE("R16 nine thousand descriptors are all reported", not_on_select) {
    constexpr std::size_t count = 9000;
    const auto reactor = mode.reactor();
    const auto counters = watched_counters(mode, *reactor, count, 0);
    REQUIRE_GT(counters.back().get(), 8 * FD_SETSIZE);
    CHECK_EQ(look(*reactor), "");
    // One among them, then each.
    check(::eventfd_write(counters[8191].get(), 1), "eventfd_write");
    CHECK_EQ(look(*reactor), "8191:readable");
    reactor->modify(counters[8191].get(), Token{8191}, Interest::read, mode.trigger);
    for (const Fd& each : counters) check(::eventfd_write(each.get(), 1), "eventfd_write");
    check_each_reported(mode, reports(*reactor, count, 12));
}

CONTRACT_CASE("R17 poll: more descriptors than the process may have is an error of the wait",
              on_poll) {
    const auto reactor = mode.reactor();
    const auto counters = watched_counters(mode, *reactor, 100, 1);
    {
        const DescriptorLimit limit{50};
        CHECK_EQ(error_of([&] { reactor->wait(forever); }), EINVAL);
    }
    check_each_reported(mode, reports(*reactor, counters.size(), 1)); // nothing was lost
}

CONTRACT_CASE("R18 epoll: out of watches is ENOSPC, and the descriptor stays usable", on_epoll) {
    const Ends ends = unix_pair();
    put(ends.theirs, "x");
    const auto reactor = mode.reactor();
    {
        const CallHook hook{failing("epoll_ctl", ENOSPC)};
        CHECK_EQ(error_of([&] {
                     reactor->add(ends.ours.get(), Token{1}, Interest::read, mode.trigger);
                 }),
                 ENOSPC);
    }
    CHECK_EQ(look(*reactor), "");
    const auto elsewhere = make_reactor(Backend::poll);
    elsewhere->add(ends.ours.get(), Token{2}, Interest::read, Trigger::level);
    CHECK_EQ(look(*elsewhere), "2:readable");
    reactor->add(ends.ours.get(), Token{1}, Interest::read, mode.trigger);
    CHECK_EQ(look(*reactor), "1:readable");
}

CONTRACT_CASE("R19 the same open file through dup: both registrations are reported", everywhere) {
    const Ends ends = unix_pair();
    const Fd second{check(::dup(ends.ours.get()), "dup")};
    const auto reactor = mode.reactor();
    reactor->add(ends.ours.get(), Token{1}, Interest::read, mode.trigger);
    reactor->add(second.get(), Token{2}, Interest::read, mode.trigger);
    put(ends.theirs, "x");
    CHECK_EQ(look(*reactor), "1:readable 2:readable");
    CHECK(reactor->remove(ends.ours.get()));
    put(ends.theirs, "x");
    CHECK_EQ(look(*reactor), mode.is(Trigger::one_shot) ? "" : "2:readable");
    CHECK(reactor->remove(second.get()));
    CHECK_EQ(look(*reactor), "");
}

CONTRACT_CASE("R20 two reactors watch one descriptor: both report, until it is read", on_level) {
    const Ends ends = unix_pair();
    const auto one = mode.reactor();
    const auto other = mode.reactor();
    one->add(ends.ours.get(), Token{1}, Interest::read, mode.trigger);
    other->add(ends.ours.get(), Token{2}, Interest::read, mode.trigger);
    put(ends.theirs, "x");
    CHECK_EQ(look(*one), "1:readable");
    CHECK_EQ(look(*other), "2:readable");
    CHECK_EQ(take(ends.ours), "x");
    CHECK_EQ(look(*one), "");
    CHECK_EQ(look(*other), "");
}

CONTRACT_CASE("R20 two reactors watch one descriptor: each gives its one report", everywhere) {
    const Ends ends = unix_pair();
    const auto one = mode.reactor();
    const auto other = mode.reactor();
    one->add(ends.ours.get(), Token{1}, Interest::read, mode.trigger);
    other->add(ends.ours.get(), Token{2}, Interest::read, mode.trigger);
    put(ends.theirs, "x");
    CHECK_EQ(look(*one), "1:readable");
    CHECK_EQ(look(*other), "2:readable");
    CHECK(one->remove(ends.ours.get()));
    CHECK_EQ(look(*one), "");
    CHECK_EQ(look(*other), mode.is(Trigger::level) ? "2:readable" : "");
}

// Method: everything is ready; while a batch is walked every second registration is removed. What
// was fetched before is the loop's business; from the next wait on only survivors may show.
CONTRACT_CASE("R21 every second one removed while a batch is walked: the survivors are exact",
              everywhere) {
    const std::size_t count = mode.is(Backend::select) ? 900 : 10'000;
    const auto reactor = mode.reactor();
    const auto counters = watched_counters(mode, *reactor, count, 1);
    std::vector<bool> removed(count);
    for (int waits = 0; waits < 12; ++waits) {
        const std::vector<bool> removed_before = removed;
        for (const Event& event : reactor->wait(Timeout::zero())) {
            const auto place = static_cast<std::size_t>(event.token);
            REQUIRE_FALSE(removed_before[place]);
            const std::size_t odd = place | 1U; // itself or its neighbour
            if (!removed[odd]) CHECK(reactor->remove(counters[odd].get()));
            removed[odd] = true;
        }
    }
    CHECK_EQ(std::ranges::count(removed, true), count / 2);
    for (std::size_t place = 0; place < count; place += 2)
        reactor->modify(counters[place].get(), Token{place}, Interest::read, mode.trigger);
    const std::vector<int> times = reports(*reactor, count, 12);
    for (std::size_t place = 0; place < count; ++place)
        REQUIRE_EQ(times[place] > 0, place % 2 == 0);
}

CONTRACT_CASE("R22 destroyed with live registrations: the descriptors stay open", everywhere) {
    const Ends ends = unix_pair();
    auto reactor = mode.reactor();
    reactor->add(ends.ours.get(), Token{1}, Interest::read, mode.trigger);
    put(ends.theirs, "x");
    reactor.reset();
    CHECK_EQ(take(ends.ours), "x");
    const auto next = mode.reactor();
    next->add(ends.ours.get(), Token{2}, Interest::write, mode.trigger);
    CHECK_EQ(look(*next), "2:writable");
}
