// What is said of what costs less, in system calls: docs/what_tutorials_say.md. How long they take
// is for bench/ to say.

#include "support/calls.hpp"
#include "support/descriptor_ledger.hpp"
#include "support/streams.hpp"

#include <doctest/doctest.h>

#include <array>
#include <poll.h>
#include <pollux/instruments/calls.hpp>
#include <pollux/net/socket.hpp>
#include <pollux/stream/server.hpp>

using namespace pollux;
using namespace pollux_test;

namespace {

struct Cost {
    std::size_t waits;
    std::size_t reads;
    std::size_t empty_reads; // of the reads: would block
    std::size_t writes;
    std::size_t changes; // epoll_ctl, and fcntl, with which poll checks what is new
    bool operator==(const Cost&) const = default;
};

template <class Work> Cost cost_of(Work work) {
    const Calls calls;
    const std::size_t before = would_block("recv");
    work();
    return {.waits = calls.waits(),
            .reads = calls.of("recv"),
            .empty_reads = would_block("recv") - before,
            .writes = calls.of("send"),
            .changes = calls.of("epoll_ctl") + calls.of("fcntl")};
}

// Ten messages, each echoed before the next, by a connection of a server.
Cost echoes(Trigger trigger) {
    EventLoop loop{Backend::epoll};
    Seen seen;
    ConnectionSet set{loop, note_and_echo(seen), {.trigger = trigger}};
    const Adopted one = adopt_unix(set);
    settle(loop);
    return cost_of([&] {
        for (int i = 0; i < 10; ++i) {
            put(one.theirs, "hello");
            loop.run_once();
            CHECK_EQ(take(one.theirs), "hello");
        }
    });
}

// Ten bytes that wait, read one at a time: one for each event, or until a read would block.
Cost small_reads(Trigger trigger, bool until_empty) {
    EventLoop loop{Backend::epoll};
    auto [ours, theirs] = Socket::pair();
    theirs.write(bytes_of("ten bytes!"));
    std::size_t got = 0;
    std::array<std::byte, 1> byte{};
    const Watch watch = loop.watch(ours.fd(), Interest::read, trigger, [&](Readiness) {
        do {
            const IoResult result = ours.read(byte);
            if (result.state == IoState::would_block) break;
            got += result.bytes;
        } while (until_empty);
    });
    return cost_of([&] {
        while (got < 10) loop.run_once();
    });
}

// A client comes, says a word, hears it and goes.
Cost short_visit(Backend backend) {
    EventLoop loop{backend};
    Seen seen;
    const Server server{loop, Address::parse("127.0.0.1:0"), note_and_echo(seen)};
    Fd client = tcp_client(server.address().port());
    return cost_of([&] {
        loop.run_once(); // accepts
        put(client, "hello");
        loop.run_once(); // echoes
        await(client, POLLIN);
        CHECK_EQ(take(client), "hello");
        client.reset();
        while (seen.closed.empty()) loop.run_once();
    });
}

} // namespace

TEST_CASE("'edge-triggered is faster': it saves calls only where handlers leave bytes unread") {
    const DescriptorLedger ledger;
    const Cost ten_echoes{.waits = 10, .reads = 10, .empty_reads = 0, .writes = 10, .changes = 0};
    CHECK(echoes(Trigger::level) == ten_echoes);
    CHECK(echoes(Trigger::edge) == ten_echoes);

    const Cost at_level = small_reads(Trigger::level, false);
    CHECK_EQ(at_level.waits, 10); // left unread, reported again
    CHECK_EQ(at_level.reads, 10);
    for (const Trigger trigger : {Trigger::level, Trigger::edge}) {
        const Cost emptied = small_reads(trigger, true);
        CHECK_EQ(emptied.waits, 1); // saved by the loop in the handler, not by the trigger
        CHECK_EQ(emptied.reads, 11);
        CHECK_EQ(emptied.empty_reads, 1); // what it costs to be sure
    }
}

TEST_CASE("'epoll always costs less than poll': who comes and soon goes costs a call more") {
    const DescriptorLedger ledger;
    const Cost by_poll = short_visit(Backend::poll);
    const Cost by_epoll = short_visit(Backend::epoll);
    CHECK_EQ(by_epoll.waits, by_poll.waits);
    CHECK_EQ(by_epoll.reads, by_poll.reads);
    CHECK_EQ(by_epoll.writes, by_poll.writes);
    CHECK_EQ(by_epoll.changes, by_poll.changes + 1); // in and out, against poll's check
}
