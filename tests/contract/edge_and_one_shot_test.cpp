// E of the catalogue, as far as a bare reactor goes: when a registration that is not level speaks
// again. Some cases hold the library to a promise; others write down a fact of the kernel that the
// tiers above must live with. Those say so.

#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <poll.h>
#include <pollux/error.hpp>
#include <string>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

#include "support/contract.hpp"
#include "support/listen_queue.hpp"
#include "support/observing.hpp"
#include "support/sockets.hpp"

using namespace pollux;
using namespace pollux_test;
using namespace std::chrono_literals;

namespace {

// Longer than any test runs: a wait that takes it has lost its event.
constexpr Timeout lost = 20s;

int accept_one(const Fd& listener) {
    const Fd accepted{::accept4(listener.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)};
    return accepted ? 0 : errno;
}

// Waits for `read` from a counter that others read too. False: an event was lost.
bool take_one(Reactor& reactor, const Fd& fd, Trigger trigger, std::atomic<int>& taken,
              const std::atomic<bool>& done) {
    while (!done) {
        if (reactor.wait(lost).empty()) return false;
        eventfd_t value = 0;
        if (::eventfd_read(fd.get(), &value) == 0) ++taken;
        reactor.modify(fd.get(), Token{1}, Interest::read, trigger);
    }
    return true;
}

} // namespace

CONTRACT_CASE("E1 half-read data is not announced again, until more comes or it is modified",
              on_edge) {
    const Ends ends = unix_pair();
    const auto reactor = mode.reactor();
    reactor->add(ends.ours.get(), Token{1}, Interest::read, mode.trigger);
    put(ends.theirs, std::string(2048, 'x'));
    CHECK_EQ(look(*reactor), "1:readable");
    CHECK_EQ(take(ends.ours, 1024).size(), 1024);
    CHECK_EQ(look(*reactor), "");
    put(ends.theirs, "y");
    CHECK_EQ(look(*reactor), "1:readable");
    CHECK_EQ(look(*reactor), "");
    reactor->modify(ends.ours.get(), Token{1}, Interest::read, mode.trigger);
    CHECK_EQ(look(*reactor), "1:readable");
    CHECK_EQ(take(ends.ours).size(), 1025);
}

// Method: the writer sends as soon as the last byte was taken, so that its byte arrives anywhere
// between the read that would block and the next wait.
CONTRACT_CASE("E2 drained until it would block: no edge is lost to a racing writer", on_edge) {
    constexpr int rounds = 10'000;
    const Ends ends = unix_pair();
    const auto reactor = mode.reactor();
    reactor->add(ends.ours.get(), Token{1}, Interest::read, mode.trigger);
    std::atomic<int> taken = 0;
    const std::jthread writer{[&](const std::stop_token& stop) {
        for (int sent = 0; sent < rounds; ++sent) {
            while (taken < sent)
                if (stop.stop_requested()) return;
            if (::write(ends.theirs.get(), "x", 1) != 1) return;
        }
    }};
    while (taken < rounds) {
        REQUIRE_EQ(described(reactor->wait(lost)), "1:readable");
        for (char byte = 0; ::read(ends.ours.get(), &byte, 1) == 1;) ++taken;
    }
    CHECK_EQ(taken, rounds);
}

// A fact of the kernel (bug-C2): who takes a short read for "drained" never hears of the end.
CONTRACT_CASE("E3 data and end in one edge: after a short read the end is not announced", on_edge) {
    for (const Ends& ends : {unix_pair(), tcp_pair()}) {
        const auto reactor = mode.reactor();
        reactor->add(ends.ours.get(), Token{1}, Interest::read, mode.trigger);
        put(ends.theirs, "0123456789");
        check(::shutdown(ends.theirs.get(), SHUT_WR), "shutdown");
        await_told(ends.ours, POLLRDHUP);
        CHECK_EQ(look(*reactor), "1:readable|peer_closed");
        CHECK_EQ(take(ends.ours, 4096).size(), 10);
        CHECK_EQ(look(*reactor), "");
        char byte = 0;
        CHECK_EQ(::read(ends.ours.get(), &byte, 1), 0); // it was there all the time
    }
}

// A fact of the kernel (bug-C3): an acceptor takes clients until accept would block.
CONTRACT_CASE("E4 three clients are one edge", on_edge) {
    const Fd listener = tcp_listener();
    const auto reactor = mode.reactor();
    reactor->add(listener.get(), Token{1}, Interest::read, mode.trigger);
    const std::array clients{tcp_client(port_of(listener)), tcp_client(port_of(listener)),
                             tcp_client(port_of(listener))};
    await_in_queue(listener, 3);
    await_told(listener, POLLIN);
    CHECK_EQ(look(*reactor), "1:readable");
    CHECK_EQ(accept_one(listener), 0);
    CHECK_EQ(look(*reactor), "");
    const Fd fourth = tcp_client(port_of(listener));
    CHECK_EQ(described(reactor->wait(lost)), "1:readable");
    for (int queued = 0; queued < 3; ++queued) CHECK_EQ(accept_one(listener), 0);
    CHECK_EQ(accept_one(listener), EAGAIN);
}

// A fact of the kernel (bug-C4): write first, and wait only after a write would have blocked.
CONTRACT_CASE("E5 TCP: writable again is announced only after a write would have blocked",
              on_edge) {
    const Ends ends = tcp_pair();
    const auto reactor = mode.reactor();
    reactor->add(ends.ours.get(), Token{1}, Interest::write, mode.trigger);
    CHECK_EQ(look(*reactor), "1:writable");
    put(ends.ours, std::string(1000, 'x'));
    await(ends.theirs, POLLIN);
    CHECK_EQ(take(ends.theirs).size(), 1000);
    CHECK_EQ(look(*reactor), "");
    std::size_t left = fill(ends.ours);
    CHECK_EQ(look(*reactor), "");
    std::string announced;
    while (left > 0) {
        await(ends.theirs, POLLIN);
        left -= take(ends.theirs).size();
        if (announced.empty()) announced = look(*reactor);
    }
    CHECK_EQ(announced, "1:writable");
}

// A fact of the kernel: an edge for one direction repeats what holds for the other.
CONTRACT_CASE("E6 arriving data repeats that the descriptor is writable", on_edge) {
    const Ends ends = unix_pair();
    const auto reactor = mode.reactor();
    reactor->add(ends.ours.get(), Token{1}, Interest::read_write, mode.trigger);
    CHECK_EQ(look(*reactor), "1:writable");
    CHECK_EQ(look(*reactor), "");
    put(ends.theirs, "x");
    CHECK_EQ(look(*reactor), "1:readable|writable");
    CHECK_EQ(look(*reactor), "");
}

CONTRACT_CASE("E7 three datagrams that came before the wait are one edge", on_edge) {
    const Ends ends = udp_pair();
    const auto reactor = mode.reactor();
    reactor->add(ends.ours.get(), Token{1}, Interest::read, mode.trigger);
    for (const std::string_view datagram : {"a", "b", "c"}) put(ends.theirs, datagram);
    std::string taken;
    while (taken != "abc") {
        await(ends.ours, POLLIN);
        if (taken.empty()) CHECK_EQ(look(*reactor), "1:readable");
        taken += take(ends.ours);
    }
    CHECK_EQ(look(*reactor), "");
}

// A fact of the kernel that nobody should lean on: pipes did otherwise in Linux 5.5–5.13
// (bug-C10).
CONTRACT_CASE("E8 each arrival is an edge, also when nothing was read between", on_edge) {
    const Ends stream = unix_pair();
    const Ends pipe = pipe_ends();
    const Fd event = counter();
    const auto reactor = mode.reactor();
    reactor->add(stream.ours.get(), Token{1}, Interest::read, mode.trigger);
    reactor->add(pipe.ours.get(), Token{2}, Interest::read, mode.trigger);
    reactor->add(event.get(), Token{3}, Interest::read, mode.trigger);
    for (int round = 0; round < 2; ++round) {
        put(stream.theirs, "x");
        put(pipe.theirs, "x");
        check(::eventfd_write(event.get(), 1), "eventfd_write");
        CHECK_EQ(look(*reactor), "1:readable 2:readable 3:readable");
        CHECK_EQ(look(*reactor), "");
    }
}

CONTRACT_CASE("E9 one-shot: silent until modified, hang-up included", on_one_shot) {
    Ends ends = unix_pair();
    const auto reactor = mode.reactor();
    reactor->add(ends.ours.get(), Token{1}, Interest::read, mode.trigger);
    put(ends.theirs, "x");
    CHECK_EQ(look(*reactor), "1:readable");
    put(ends.theirs, "y");
    CHECK_EQ(look(*reactor), "");
    ends.theirs.reset();
    CHECK_EQ(look(*reactor), "");
    reactor->modify(ends.ours.get(), Token{2}, Interest::read, mode.trigger);
    CHECK_EQ(look(*reactor),
             mode.is(Backend::select) ? "2:readable" : "2:readable|peer_closed|hang_up");
    CHECK_EQ(look(*reactor), "");
}

// One report ends the whole registration, not only the direction that was ready.
CONTRACT_CASE("E9 one-shot: a report for one direction ends the other", on_one_shot) {
    const Ends ends = unix_pair();
    const auto reactor = mode.reactor();
    reactor->add(ends.ours.get(), Token{1}, Interest::read_write, mode.trigger);
    CHECK_EQ(look(*reactor), "1:writable");
    put(ends.theirs, "x");
    CHECK_EQ(look(*reactor), "");
    reactor->modify(ends.ours.get(), Token{1}, Interest::read, mode.trigger);
    CHECK_EQ(look(*reactor), "1:readable");
}

CONTRACT_CASE("E9 one-shot: what is silent can be removed, and the others are untouched",
              on_one_shot) {
    std::array<Ends, 4> pairs{unix_pair(), unix_pair(), unix_pair(), unix_pair()};
    const auto reactor = mode.reactor();
    for (std::size_t place = 0; place < pairs.size(); ++place)
        reactor->add(pairs.at(place).ours.get(), Token{place}, Interest::read, mode.trigger);
    put(pairs[1].theirs, "x");
    put(pairs[3].theirs, "x");
    CHECK_EQ(look(*reactor), "1:readable 3:readable");
    CHECK(reactor->remove(pairs[1].ours.get()));
    CHECK_FALSE(reactor->remove(pairs[1].ours.get()));
    put(pairs[0].theirs, "x");
    put(pairs[2].theirs, "x");
    CHECK_EQ(look(*reactor), "0:readable 2:readable");
    CHECK(reactor->remove(pairs[0].ours.get()));
    reactor->modify(pairs[3].ours.get(), Token{3}, Interest::read, mode.trigger);
    reactor->add(pairs[1].ours.get(), Token{7}, Interest::read, mode.trigger);
    CHECK_EQ(look(*reactor), "3:readable 7:readable");
}

CONTRACT_CASE("E9 one-shot and level live in one reactor", on_one_shot) {
    const std::array<Ends, 4> pairs{unix_pair(), unix_pair(), unix_pair(), unix_pair()};
    const auto reactor = mode.reactor();
    for (std::size_t place = 0; place < pairs.size(); ++place) {
        put(pairs.at(place).theirs, "x");
        reactor->add(pairs.at(place).ours.get(), Token{place}, Interest::read,
                     place % 2 == 0 ? Trigger::level : Trigger::one_shot);
    }
    CHECK_EQ(look(*reactor), "0:readable 1:readable 2:readable 3:readable");
    CHECK_EQ(look(*reactor), "0:readable 2:readable");
    // Each keeps its own when another goes.
    CHECK(reactor->remove(pairs[0].ours.get()));
    CHECK_EQ(look(*reactor), "2:readable");
    reactor->add(pairs[0].ours.get(), Token{4}, Interest::read, Trigger::level);
    CHECK(reactor->remove(pairs[1].ours.get()));
    CHECK_EQ(look(*reactor), "2:readable 4:readable");
    CHECK_EQ(look(*reactor), "2:readable 4:readable");
    // The triggers change places.
    reactor->modify(pairs[2].ours.get(), Token{2}, Interest::read, Trigger::one_shot);
    reactor->modify(pairs[3].ours.get(), Token{3}, Interest::read, Trigger::level);
    CHECK_EQ(look(*reactor), "2:readable 3:readable 4:readable");
    CHECK_EQ(look(*reactor), "3:readable 4:readable");
}

CONTRACT_CASE("E10 one-shot: armed again by modify; add is EEXIST, silent or not", on_one_shot) {
    const Ends ends = unix_pair();
    put(ends.theirs, "x");
    const auto reactor = mode.reactor();
    reactor->add(ends.ours.get(), Token{1}, Interest::read, mode.trigger);
    const auto add_again = [&] {
        reactor->add(ends.ours.get(), Token{2}, Interest::read, mode.trigger);
    };
    CHECK_EQ(error_of(add_again), EEXIST);
    CHECK_EQ(look(*reactor), "1:readable");
    CHECK_EQ(error_of(add_again), EEXIST);
    CHECK_EQ(look(*reactor), "");
    reactor->modify(ends.ours.get(), Token{3}, Interest::read, mode.trigger);
    CHECK_EQ(look(*reactor), "3:readable");
}

// Method: each byte shows to both reactors; one thread gets it, the other finds that it would
// block, and both arm again.
CONTRACT_CASE("E14 two reactors, two threads, one descriptor, one-shot: nobody sleeps for ever",
              on_one_shot) {
    constexpr int rounds = 16'384;
    constexpr Timeout long_enough = 5s; // for a machine on which each round waits for its turn
    int sent = 0;
    const Fd shared{check(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC | EFD_SEMAPHORE), "eventfd")};
    std::atomic<int> taken = 0;
    std::atomic<bool> done = false;
    std::array<std::atomic<bool>, 2> well{};
    const auto body = [&](std::size_t place) {
        const auto reactor = mode.reactor();
        reactor->add(shared.get(), Token{1}, Interest::read, mode.trigger);
        well.at(place) = take_one(*reactor, shared, mode.trigger, taken, done);
    };
    {
        const std::array threads{std::jthread{[&] { body(0); }}, std::jthread{[&] { body(1); }}};
        const auto begin = std::chrono::steady_clock::now();
        for (; sent < rounds && std::chrono::steady_clock::now() < begin + long_enough; ++sent) {
            check(::eventfd_write(shared.get(), 1), "eventfd_write");
            const auto limit = std::chrono::steady_clock::now() + 2 * lost;
            while (taken <= sent && std::chrono::steady_clock::now() < limit)
                std::this_thread::yield();
        }
        done = true;
        check(::eventfd_write(shared.get(), rounds), "eventfd_write"); // wakes both for the end
    }
    CHECK_GE(taken, sent);
    CHECK(well[0]);
    CHECK(well[1]);
}

CONTRACT_CASE("E15 giving up one of two interests keeps the edge", on_edge) {
    const Ends ends = unix_pair();
    const auto reactor = mode.reactor();
    reactor->add(ends.ours.get(), Token{1}, Interest::read_write, mode.trigger);
    CHECK_EQ(look(*reactor), "1:writable");
    reactor->modify(ends.ours.get(), Token{1}, Interest::read, mode.trigger);
    CHECK_EQ(look(*reactor), "");
    put(ends.theirs, "x");
    CHECK_EQ(look(*reactor), "1:readable");
    CHECK_EQ(look(*reactor), "");
}

CONTRACT_CASE("E16 edge is refused where the facility knows levels only", with_levels_only) {
    const Ends ends = unix_pair();
    put(ends.theirs, "x");
    const auto reactor = mode.reactor();
    CHECK_FALSE(reactor->supports(Trigger::edge));
    CHECK(reactor->supports(mode.trigger));
    try {
        reactor->add(ends.ours.get(), Token{1}, Interest::read, Trigger::edge);
        FAIL("edge was taken");
    } catch (const std::system_error& error) {
        CHECK_EQ(error.code().value(), ENOTSUP);
        const std::string what = error.what();
        CAPTURE(what);
        CHECK_NE(what.find(reactor->name()), std::string::npos);
        CHECK_NE(what.find("edge"), std::string::npos);
    }
    CHECK_EQ(look(*reactor), ""); // nothing was registered
    CHECK_FALSE(reactor->remove(ends.ours.get()));
}

CONTRACT_CASE("E16 epoll takes every trigger", with_every_trigger) {
    const auto reactor = mode.reactor();
    for (const Trigger trigger : {Trigger::level, Trigger::edge, Trigger::one_shot})
        CHECK(reactor->supports(trigger));
}
