// What is io_uring's own: what a turn costs, whose the descriptors are while requests are under
// way, and what wakes a request that nobody asked for.

#include <array>
#include <atomic>
#include <cerrno>
#include <fcntl.h>
#include <latch>
#include <netinet/in.h>
#include <poll.h>
#include <pollux/error.hpp>
#include <pollux/event_loop.hpp>
#include <stdexcept>
#include <string>
#include <sys/socket.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

#include "support/child.hpp"
#include "support/contract.hpp"
#include "support/descriptor_ledger.hpp"
#include "support/observing.hpp"
#include "support/sockets.hpp"
#include "support/wake_up_budget.hpp"

using namespace pollux;
using namespace pollux_test;
using namespace std::chrono_literals;

namespace {

constexpr auto enter = "io_uring_enter";

std::string entered(int times) { return std::string{enter} + "*" + std::to_string(times); }

/// Nothing is left of it: the other end sees the end of the stream.
void check_ended(const Fd& peer) {
    CHECK_NE(state(peer, POLLIN | POLLRDHUP) & (POLLRDHUP | POLLHUP), 0);
}

} // namespace

CONTRACT_CASE("io_uring: a turn is one system call, however much is asked for", on_io_uring) {
    const auto reactor = mode.reactor();
    std::array<Ends, 40> pairs;
    for (Ends& pair : pairs) pair = unix_pair();
    const CallRecord adding;
    for (std::size_t place = 0; place < pairs.size(); ++place)
        reactor->add(pairs[place].ours.get(), Token{place}, Interest::read, mode.trigger);
    CHECK_EQ(adding.made(), "fcntl*40");
    CHECK_EQ(look(*reactor), "");
    for (const Ends& pair : pairs) put(pair.theirs, "x");
    const CallRecord turns;
    CHECK_EQ(reactor->wait(forever).size(), pairs.size());
    CHECK_EQ(turns.made(), entered(1));
    for (const Ends& pair : pairs)
        reactor->modify(pair.ours.get(), Token{1}, Interest::write, mode.trigger);
    CHECK_EQ(reactor->wait(forever).size(), pairs.size());
    CHECK_EQ(turns.made(), entered(2));
    for (const Ends& pair : pairs) REQUIRE(reactor->remove(pair.ours.get()));
    CHECK_EQ(turns.made(), entered(2)); // no request was under way
}

CONTRACT_CASE("io_uring: an interest that changes while its request is under way", on_io_uring) {
    const Ends ends = unix_pair();
    const auto reactor = mode.reactor();
    reactor->add(ends.ours.get(), Token{1}, Interest::read, mode.trigger);
    CHECK_EQ(look(*reactor), "");
    const CallRecord calls;
    reactor->modify(ends.ours.get(), Token{2}, Interest::read, mode.trigger);
    put(ends.theirs, "x");
    CHECK_EQ(look(*reactor), "2:readable");
    CHECK_EQ(calls.made(), entered(1));
    take(ends.ours);
    reactor->modify(ends.ours.get(), Token{3}, Interest::read, mode.trigger);
    CHECK_EQ(look(*reactor), "");
    reactor->modify(ends.ours.get(), Token{4}, Interest::read_write, mode.trigger);
    CHECK_EQ(look(*reactor), "4:writable");
    CHECK_EQ(calls.made(), entered(3));
}

CONTRACT_CASE("io_uring: what is removed may be closed at once: its peer sees the end",
              on_io_uring) {
    Ends ends = unix_pair();
    const auto reactor = mode.reactor();
    reactor->add(ends.ours.get(), Token{1}, Interest::read, mode.trigger);
    CHECK_EQ(look(*reactor), "");
    const CallRecord calls;
    CHECK(reactor->remove(ends.ours.get()));
    CHECK_EQ(calls.made(), entered(1));
    ends.ours.reset();
    check_ended(ends.theirs);
    CHECK_EQ(look(*reactor), "");
}

CONTRACT_CASE("io_uring: … though a wake-up for nothing has just come", on_io_uring) {
    Ends ends = unix_pair();
    const auto reactor = mode.reactor();
    reactor->add(ends.ours.get(), Token{1}, Interest::read, mode.trigger);
    CHECK_EQ(look(*reactor), "");
    // This thread makes no system call meanwhile: the kernel has yet to look what woke the request.
    std::atomic<bool> woken = false;
    const std::jthread other{[&] {
        put(ends.theirs, "x");
        take(ends.ours);
        woken = true;
    }};
    while (!woken) {
    }
    reactor->remove(ends.ours.get());
    ends.ours.reset();
    check_ended(ends.theirs);
}

CONTRACT_CASE("io_uring: … if the kernel refuses that, after the next wait", on_io_uring) {
    Ends ends = unix_pair();
    const auto reactor = mode.reactor();
    reactor->add(ends.ours.get(), Token{1}, Interest::read, mode.trigger);
    CHECK_EQ(look(*reactor), "");
    {
        const CallHook hook{failing(enter, EAGAIN)};
        CHECK(reactor->remove(ends.ours.get()));
    }
    ends.ours.reset();
    const Ends next = unix_pair();
    reactor->add(next.ours.get(), Token{2}, Interest::write, mode.trigger);
    CHECK_EQ(look(*reactor), "2:writable");
    check_ended(ends.theirs);
}

CONTRACT_CASE("io_uring: … however many they are", on_io_uring) {
    std::vector<Ends> pairs(300);
    const auto reactor = mode.reactor();
    for (Ends& pair : pairs) {
        pair = unix_pair();
        reactor->add(pair.ours.get(), Token{1}, Interest::read, mode.trigger);
    }
    CHECK_EQ(look(*reactor), "");
    {
        const CallHook hook{failing(enter, EAGAIN)};
        for (Ends& pair : pairs) {
            CHECK(reactor->remove(pair.ours.get()));
            pair.ours.reset();
        }
    }
    const Ends next = unix_pair(); // under a number whose request nobody could end yet
    const Fd last{
        check(::fcntl(next.ours.get(), F_DUPFD_CLOEXEC, pairs.back().theirs.get() - 1), "fcntl")};
    REQUIRE_EQ(last.get(), pairs.back().theirs.get() - 1);
    reactor->add(last.get(), Token{2}, Interest::write, mode.trigger);
    CHECK_EQ(look(*reactor), "2:writable");
    for (const Ends& pair : pairs) check_ended(pair.theirs);
}

CONTRACT_CASE("io_uring: … and when the thread that ran the loop has ended", on_io_uring) {
    for (const bool by_exception : {false, true}) {
        Ends ends = unix_pair();
        EventLoop loop{mode.backend};
        Watch watch = loop.watch(ends.ours.get(), Interest::read, mode.trigger, [](Readiness) {});
        loop.post([&] {
            loop.post([&] { // a wait has been between them
                if (by_exception) throw std::runtime_error{"enough"};
                loop.stop();
            });
        });
        std::thread{[&] {
            if (by_exception)
                CHECK_THROWS_AS(loop.run(), std::runtime_error);
            else
                loop.run();
        }}.join();
        watch.stop();
        ends.ours.reset();
        check_ended(ends.theirs);
    }
}

CONTRACT_CASE("io_uring: … and when the reactor is gone, though a child has its ring open",
              on_io_uring) {
    Ends ends = unix_pair();
    auto reactor = mode.reactor();
    reactor->add(ends.ours.get(), Token{1}, Interest::read, mode.trigger);
    CHECK_EQ(look(*reactor), "");
    const Ends line = pipe_ends();
    const pid_t child = ::fork();
    REQUIRE_GE(child, 0);
    if (child == 0) {
        ends.ours.reset();
        ends.theirs.reset();
        await(line.ours, POLLIN);
        ::_exit(0);
    }
    reactor.reset();
    ends.ours.reset();
    // The child closes its copy first.
    await(ends.theirs, POLLRDHUP);
    check_ended(ends.theirs);
    put(line.theirs, "x");
    CHECK_EQ(::waitpid(child, nullptr, 0), child);
}

CONTRACT_CASE("io_uring: a child leaves the ring of its parent alone", on_io_uring) {
    const Ends ends = unix_pair();
    const Ends other = unix_pair();
    auto reactor = mode.reactor();
    reactor->add(ends.ours.get(), Token{1}, Interest::read, mode.trigger);
    CHECK_EQ(look(*reactor), "");
    reactor->add(other.ours.get(), Token{2}, Interest::write, mode.trigger);
    holds_in_child([&](const Expect& expect) {
        expect(error_of([&] { reactor->wait(Timeout::zero()); }) == EPERM, "no wait");
        const CallRecord calls;
        expect(reactor->remove(ends.ours.get()), "known here too");
        reactor->modify(other.ours.get(), Token{3}, Interest::read, mode.trigger);
        reactor.reset();
        expect(calls.made().find(enter) == std::string::npos, "nothing is asked of it");
    });
    put(ends.theirs, "x");
    CHECK_EQ(look(*reactor), "1:readable 2:writable");
}

// What completed between two waits said what was ready then.
CONTRACT_CASE("io_uring: what is taken before the wait is not reported", on_io_uring) {
    for (const bool by_tcp : {false, true}) {
        const Ends ends = by_tcp ? tcp_pair() : unix_pair();
        const auto reactor = mode.reactor();
        reactor->add(ends.ours.get(), Token{1}, Interest::read, mode.trigger);
        CHECK_EQ(look(*reactor), "");
        put(ends.theirs, "x");
        await(ends.ours, POLLIN);
        CHECK_EQ(take(ends.ours), "x");
        CHECK_EQ(look(*reactor), "");
        put(ends.theirs, "y");
        CHECK_EQ(described(reactor->wait(forever)), "1:readable");
    }
}

CONTRACT_CASE("io_uring: more completions than its queue has room for", on_io_uring) {
    constexpr std::size_t count = 5000;
    const auto reactor = mode.reactor();
    std::vector<Fd> counters;
    for (std::size_t place = 0; place < count; ++place) {
        counters.push_back(counter());
        reactor->add(counters.back().get(), Token{place}, Interest::read, mode.trigger);
    }
    CHECK_EQ(look(*reactor), "");
    const auto fire = [&] {
        for (const Fd& one : counters) put(one, std::string{"\1\0\0\0\0\0\0\0", 8});
    };
    const auto empty = [&] {
        for (const Fd& one : counters) take(one);
    };
    fire(); // between two waits
    empty();
    CHECK_EQ(reactor->wait(Timeout::zero()).size(), 0); // what was ready then is not
    fire();
    CHECK_EQ(reactor->wait(Timeout::zero()).size(), count);
    empty();
    for (std::size_t place = 0; place < count; ++place)
        reactor->modify(counters[place].get(), Token{place}, Interest::read, mode.trigger);
    CHECK_EQ(look(*reactor), "");
    const CallHook hook{[&, fired = false](const CallPoint& call) mutable {
        if (call.name == enter && !std::exchange(fired, true)) fire(); // on the way into one
        return CallOutcome{};
    }};
    CHECK_EQ(reactor->wait(Timeout::zero()).size(), count);
}

// Told once, whoever enters: in a wait, or when something is removed. That it asks again shows by
// the number, which is another file's by then.
CONTRACT_CASE("io_uring: of completions that the kernel lost all are asked for again",
              on_io_uring) {
    for (const bool told_in_wait : {true, false}) {
        const Ends ends = unix_pair();
        const Ends other = unix_pair();
        const Ends ready = unix_pair();
        put(ready.theirs, "x");
        const auto reactor = mode.reactor();
        reactor->add(ends.ours.get(), Token{1}, Interest::read, mode.trigger);
        reactor->add(other.ours.get(), Token{2}, Interest::read, mode.trigger);
        CHECK_EQ(look(*reactor), "");
        check(::dup2(ready.ours.get(), ends.ours.get()), "dup2");
        CHECK_EQ(look(*reactor), "");
        const CallHook hook{failing(enter, EBADR, 1)};
        if (!told_in_wait) CHECK(reactor->remove(other.ours.get()));
        CHECK_EQ(look(*reactor), "1:readable");
    }
}

// The kernel adds POLLRDHUP to every request: one that waits for room to write would end at once.
CONTRACT_CASE("io_uring: the peer has ended, and who waits to write sleeps until he can",
              on_io_uring) {
    const FakeClock clock;
    const Ends ends = unix_pair();
    fill(ends.ours);
    check(::shutdown(ends.theirs.get(), SHUT_WR), "shutdown");
    const auto reactor = mode.reactor();
    reactor->add(ends.ours.get(), Token{1}, Interest::write, mode.trigger);
    const auto before = calls_made(enter);
    CHECK_EQ(described(reactor->wait(1h)), "");
    CHECK_LE(calls_made(enter) - before, 4);
    CHECK_EQ(described(reactor->wait(1h)), "");
    CHECK_LE(calls_made(enter) - before, 5); // it knows by now
    while (!take(ends.theirs).empty()) {
    }
    CHECK_EQ(described(reactor->wait(1h)), "1:writable");
    CHECK_EQ(look(*reactor), mode.is(Trigger::level) ? "1:writable" : "");
    reactor->modify(ends.ours.get(), Token{2}, Interest::read, mode.trigger);
    CHECK_EQ(described(reactor->wait(1h)), "2:readable|peer_closed");
}

// Woken by what nobody asked for, a request goes on until the right completion, and after it.
CONTRACT_CASE("io_uring: what is one-shot is silent, and armed again tells what is ready, whatever "
              "woke its request",
              on_io_uring) {
    if (!mode.is(Trigger::one_shot)) return;
    for (const bool is_armed_at_once : {false, true}) {
        Ends ends = unix_pair();
        fill(ends.ours);
        check(::shutdown(ends.theirs.get(), SHUT_WR), "shutdown");
        const auto reactor = mode.reactor();
        reactor->add(ends.ours.get(), Token{1}, Interest::write, mode.trigger);
        CHECK_EQ(look(*reactor), "");
        while (!take(ends.theirs).empty()) {
        }
        CHECK_EQ(look(*reactor), "1:writable");
        if (!is_armed_at_once) {
            CHECK_EQ(look(*reactor), "");
            const CallHook hook{[&](const CallPoint& call) { // on the way into the wait
                if (call.name == enter) ends.theirs.reset();
                return CallOutcome{};
            }};
            CHECK_EQ(look(*reactor), "");
            CHECK_EQ(look(*reactor), "");
        }
        reactor->modify(ends.ours.get(), Token{2}, Interest::write, mode.trigger);
        CHECK_EQ(look(*reactor), is_armed_at_once ? "2:writable" : "2:readable|writable|hang_up");
        CHECK_EQ(look(*reactor), "");
    }
}

// Sockets wake those who wait for urgent data with all data; and with the urgent byte only those
// who wait for data.
CONTRACT_CASE("io_uring: who sleeps until there is urgent data is woken by that alone",
              on_io_uring) {
    for (const Interest interest : {Interest::urgent, Interest::urgent | Interest::write}) {
        const Ends ends = tcp_pair();
        fill(ends.ours);
        const auto reactor = mode.reactor();
        reactor->add(ends.ours.get(), Token{1}, interest, mode.trigger);
        CHECK_EQ(look(*reactor), "");
        put(ends.theirs, "x");
        await(ends.ours, POLLIN);
        CHECK_EQ(look(*reactor), "");
        const OnceAsleep sender{[&] { ::send(ends.theirs.get(), "!", 1, MSG_OOB); }};
        CHECK_EQ(described(reactor->wait(forever)), "1:urgent");
    }
    const Ends ends = tcp_pair();
    const auto reactor = mode.reactor();
    reactor->add(ends.ours.get(), Token{1}, Interest::urgent | Interest::read, mode.trigger);
    CHECK_EQ(look(*reactor), "");
    const OnceAsleep sender{[&] { put(ends.theirs, "x"); }};
    CHECK_EQ(described(reactor->wait(forever)), "1:readable");
}

// Requests are completed by the thread that made them.
CONTRACT_CASE("io_uring: another thread goes on waiting, while the first is busy or gone",
              on_io_uring) {
    const Ends ends = unix_pair();
    const auto reactor = mode.reactor();
    reactor->add(ends.ours.get(), Token{1}, Interest::read, mode.trigger);
    std::latch waited{1};
    std::atomic<bool> done = false;
    std::jthread first{[&] {
        CHECK_EQ(look(*reactor), "");
        waited.count_down();
        while (!done) { // and makes no system call
        }
    }};
    waited.wait();
    put(ends.theirs, "x");
    CHECK_EQ(look(*reactor), "1:readable"); // it does not wait for the first to come round
    done = true;
    first.join();
    take(ends.ours);
    reactor->modify(ends.ours.get(), Token{2}, Interest::read, mode.trigger);
    std::thread{[&] { CHECK_EQ(look(*reactor), ""); }}.join();
    std::thread{[&] { // it may well look like the one before
        const OnceAsleep sender{[&] { put(ends.theirs, "y"); }};
        CHECK_EQ(described(reactor->wait(forever)), "2:readable");
    }}
        .join();
}

// They are handed over in pieces, and the second is refused.
CONTRACT_CASE("io_uring: what was found before the kernel refused is found again", on_io_uring) {
    constexpr std::size_t count = 600;
    const auto reactor = mode.reactor();
    std::vector<Fd> counters;
    for (std::size_t place = 0; place < count; ++place) {
        counters.push_back(counter(1));
        reactor->add(counters.back().get(), Token{place}, Interest::read, mode.trigger);
    }
    for (const int refusal : {ENOMEM, EAGAIN}) {
        const CallHook hook{[&, nth = 0](const CallPoint& call) mutable {
            CallOutcome outcome;
            if (call.name == enter && ++nth == 2) outcome.error = refusal;
            return outcome;
        }};
        CHECK_EQ(error_of([&] { reactor->wait(forever); }), ENOMEM); // by that name on all backends
    }
    CHECK_EQ(reactor->wait(forever).size(), count);
    CHECK_EQ(reactor->wait(Timeout::zero()).size(), mode.is(Trigger::level) ? count : 0);
}

CONTRACT_CASE("io_uring: refused by the kernel, it is an error of make_reactor", on_io_uring) {
    for (const int refusal : {ENOSYS, EPERM, EMFILE}) {
        const CallHook hook{failing("io_uring_setup", refusal)};
        CHECK_EQ(error_of([&] { mode.reactor(); }), refusal);
    }
    for (const int which : {1, 2}) {
        const DescriptorLedger ledger; // the ring is closed
        const CallHook hook{[&, nth = 0](const CallPoint& call) mutable {
            CallOutcome outcome;
            if (call.name == "mmap" && ++nth == which) outcome.error = ENOMEM;
            return outcome;
        }};
        CHECK_EQ(error_of([&] { mode.reactor(); }), ENOMEM);
    }
}

CONTRACT_CASE("io_uring refuses to watch itself", on_io_uring) {
    const int free = Fd{::dup(0)}.get();
    const auto reactor = mode.reactor();
    CHECK_EQ(error_of([&] { reactor->add(free, Token{1}, Interest::read, mode.trigger); }), EINVAL);
}
