// P10 for connections: a visit makes a bounded number of reads, and what is left is served after
// the other ready descriptors, at level, edge and one-shot alike (bug-C1, E17).

#include "support/calls.hpp"
#include "support/contract.hpp"
#include "support/streams.hpp"

#include <algorithm>
#include <functional>
#include <optional>
#include <sys/socket.h>

using namespace pollux;
using namespace pollux_test;

namespace {

// A connection with much to read, and a neighbour that is ready in each turn and fills up what was
// read: the most reads of the one between two calls of the other. The peer is a Unix socket with a
// large buffer, so that no read is short because bytes are still on their way.
std::size_t most_reads_in_a_row(const Mode& mode, ConnectionOptions options, bool lingering) {
    EventLoop loop{mode.backend};
    Seen seen;
    options.trigger = mode.trigger;
    ConnectionSet set{loop, note(seen), options};
    const Adopted flood = adopt_unix(set);
    const int fd = set.find(flood.id)->fd();
    const int much = 1 << 20;
    REQUIRE_EQ(::setsockopt(flood.theirs.get(), SOL_SOCKET, SO_SNDBUF, &much, sizeof much), 0);
    std::size_t sent = fill(flood.theirs);
    const Ends neighbour = unix_pair();
    put(neighbour.theirs, "x"); // never read
    std::size_t most = 0;
    std::size_t before = 0;
    const Calls calls;
    const Watch watch =
        loop.watch(neighbour.ours.get(), Interest::read, Trigger::level, [&](Readiness) {
            const std::size_t now = calls.of("recv", fd);
            most = std::max(most, now - before);
            before = now;
            if (sent < 3'000'000)
                sent += fill(flood.theirs);
            else
                ::shutdown(flood.theirs.get(), SHUT_WR);
        });
    if (lingering) set.find(flood.id)->close();
    run_until(loop, [&] { return !seen.closed.empty(); });
    if (!lingering) CHECK_EQ(seen.data.size(), sent);
    return most;
}

} // namespace

CONTRACT_CASE("P10 E17 a flood is read in turns with its neighbours", everywhere) {
    for (const std::size_t read_size : {4096U, 65536U}) {
        CHECK_EQ(most_reads_in_a_row(mode, {.read_size = read_size}, false), 4);
        CHECK_EQ(most_reads_in_a_row(mode, {.reads_per_visit = 1, .read_size = read_size}, false),
                 1);
    }
}

// Both of one set, as on a server: who floods and never reads has most answers waiting, and who
// asks now and then is answered in each turn.
CONTRACT_CASE("P10 an echo beside a flood is read after four reads of that at most", everywhere) {
    for (const std::size_t read_size : {4096U, 65536U}) {
        EventLoop loop{mode.backend};
        Seen seen;
        ConnectionSet set{loop,
                          note_and_echo(seen),
                          {.trigger = mode.trigger, .read_size = read_size, .high_water = 1 << 23}};
        const Adopted flood = adopt_unix(set);
        const Adopted asking = adopt_unix(set);
        const int flooding = set.find(flood.id)->fd();
        const Calls calls;
        for (int request = 0; request < 50; ++request) {
            fill(flood.theirs);
            put(asking.theirs, "word"); // ready from now on
            const std::size_t before = calls.of("recv", flooding);
            std::string answer;
            run_until(loop, [&] { return (answer += drain(asking.theirs)) == "word"; });
            CHECK_LE(calls.of("recv", flooding) - before, 4);
        }
        CHECK_GT(calls.of("recv", flooding), 50);
    }
}

CONTRACT_CASE("P10 … also when it is only read to be dropped", everywhere) {
    CHECK_EQ(most_reads_in_a_row(mode, {}, true), 4);
}

CONTRACT_CASE("P10 timers and posted tasks run in each turn of a flood that its handler refills",
              everywhere) {
    EventLoop loop{mode.backend};
    Seen seen;
    std::optional<Adopted> one;
    ConnectionHandlers handlers = note(seen);
    int calls = 0;
    handlers.on_data = [&](Connection&, ByteView data) {
        if (++calls < 1000) put(one->theirs, "refill");
        return data.size();
    };
    ConnectionSet set{loop, std::move(handlers), {.trigger = mode.trigger}};
    one = adopt_unix(set);
    put(one->theirs, "start");
    int turns = 0;
    const Timer timer = loop.run_at({}, [] {});
    std::function<void()> task = [&] {
        ++turns;
        if (calls < 1000) loop.post(task);
    };
    loop.post(task);
    run_until(loop, [&] { return calls == 1000; });
    CHECK_GE(turns, 250); // at most four reads in a turn
}

CONTRACT_CASE("bug-C1 a budget of one read at edge: all is read without another event",
              everywhere) {
    EventLoop loop{mode.backend};
    Seen seen;
    ConnectionSet set{loop, note(seen), {.trigger = mode.trigger, .reads_per_visit = 1}};
    const Adopted one = adopt_tcp(set);
    const std::string text = pattern(900'000);
    put(one.theirs, text);
    run_until(loop, [&] { return seen.data.size() == text.size(); });
    CHECK(seen.data == text);
}

CONTRACT_CASE("P10 a peer that takes all at once is written to in turns with its neighbours",
              everywhere) {
    EventLoop loop{mode.backend};
    Seen seen;
    ConnectionSet set{loop, note(seen), {.trigger = mode.trigger, .writes_per_visit = 3}};
    const Adopted one = adopt_unix(set);
    const int fd = set.find(one.id)->fd();
    const Ends neighbour = unix_pair();
    put(neighbour.theirs, "x"); // never read
    std::size_t most = 0;
    std::size_t before = 0;
    std::string got;
    // The kernel takes 1 000 bytes each time and never refuses.
    const Calls calls{[&](const CallPoint& call) {
        got += drain(one.theirs);
        CallOutcome outcome;
        if (call.name == "send") outcome.at_most = 1'000;
        return outcome;
    }};
    const Watch watch =
        loop.watch(neighbour.ours.get(), Interest::read, Trigger::level, [&](Readiness) {
            const std::size_t now = calls.of("send", fd);
            most = std::max(most, now - before);
            before = now;
        });
    const std::string text = pattern(50'000);
    set.find(one.id)->send(text);
    set.find(one.id)->close();
    before = calls.of("send", fd);
    CHECK_EQ(before, mode.is(Trigger::edge) ? 3 : 1);
    run_until(loop, [&] {
        got += drain(one.theirs);
        return at_end(one.theirs);
    });
    CHECK(got == text);
    CHECK_EQ(most, mode.is(Trigger::edge) ? 3 : 1);
}
