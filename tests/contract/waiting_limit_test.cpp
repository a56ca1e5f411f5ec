// P11: what waits in all connections together has a limit too, and those with the most go first.

#include "support/contract.hpp"
#include "support/streams.hpp"

#include <algorithm>
#include <functional>
#include <optional>
#include <vector>

using namespace pollux;
using namespace pollux_test;

namespace {

// Connections to peers that do not read, and whose sockets are full already.
struct Stalled {
    explicit Stalled(const Mode& mode, ConnectionHandlers handlers = {}) : loop{mode.backend} {
        handlers.on_close = [this](Connection&, const Closed& closed) {
            seen.closed.push_back(closed);
            if (destroys_set) set.reset();
            if (on_gone) on_gone();
        };
        set.emplace(loop, std::move(handlers),
                    ConnectionOptions{.trigger = mode.trigger, .waiting_limit = limit});
    }

    // One for which that much waits.
    Adopted one(std::size_t waiting) {
        Adopted made = adopt_unix(*set);
        Connection& connection = *set->find(made.id);
        while (connection.queued() == 0) REQUIRE(connection.send("x"));
        REQUIRE(connection.send(std::string(waiting - connection.queued(), 'x')));
        return made;
    }
    bool lives(const Adopted& one) { return set->find(one.id) != nullptr; }

    static constexpr std::size_t limit = 100'000;
    EventLoop loop;
    Seen seen;
    bool destroys_set = false;
    std::function<void()> on_gone;
    std::optional<ConnectionSet> set;
};

} // namespace

CONTRACT_CASE("P11 too much waits for all peers together: the one with the most is closed",
              everywhere) {
    Stalled c{mode};
    const Adopted small = c.one(20'000);
    const Adopted large = c.one(50'000);
    const Adopted middle = c.one(30'000);
    CHECK_EQ(c.set->waiting(), 100'000);
    CHECK(c.seen.closed.empty());
    CHECK(c.set->find(small.id)->send("y"));
    CHECK(closed_once(c.seen, CloseReason::output_limit));
    CHECK_FALSE(c.lives(large));
    CHECK(c.lives(middle));
    CHECK_EQ(c.set->waiting(), 50'001);
}

CONTRACT_CASE("P11 … and send says so when that is the one that sends", everywhere) {
    Stalled c{mode};
    const Adopted small = c.one(20'000);
    const Adopted large = c.one(70'000);
    CHECK_FALSE(c.set->find(large.id)->send(std::string(10'001, 'y')));
    CHECK(c.lives(small));
    CHECK_EQ(c.set->waiting(), 20'000);
}

CONTRACT_CASE("P11 … and as many as it takes", everywhere) {
    Stalled c{mode};
    std::vector<Adopted> all;
    for (int i = 0; i < 9; ++i) all.push_back(c.one(10'000));
    const Adopted small = c.one(1'000);
    // One message of its own for each, as in a chat: nobody is over a limit of its own.
    c.set->for_each([](Connection& member) { member.send(std::string(5'000, 'm')); });
    CHECK_LE(c.set->waiting(), Stalled::limit);
    CHECK_GE(c.set->waiting(), 50'000);
    CHECK(c.lives(small));
    for (const Closed& closed : c.seen.closed) CHECK(closed.reason == CloseReason::output_limit);
}

CONTRACT_CASE("P11 what handlers leave counts as well", everywhere) {
    Stalled c{mode, {.on_data = [](Connection&, ByteView) { return std::size_t{0}; }}};
    const Adopted sends = adopt_unix(*c.set);
    put(sends.theirs, std::string(60'000, 'i'));
    settle(c.loop);
    const Adopted stalled = c.one(40'000);
    CHECK_EQ(c.set->waiting(), 100'000);
    put(sends.theirs, "i");
    settle(c.loop);
    CHECK(closed_once(c.seen, CloseReason::input_limit));
    CHECK(c.lives(stalled));
}

CONTRACT_CASE("P11 what is delivered, lost or taken no longer counts", everywhere) {
    Stalled c{mode};
    Adopted reads = c.one(30'000);
    Adopted goes = c.one(30'000);
    const Adopted aborted = c.one(30'000);
    run_until(c.loop, [&] {
        drain(reads.theirs);
        return c.set->waiting() == 60'000;
    });
    goes.theirs.reset();
    settle(c.loop);
    CHECK_EQ(c.set->waiting(), 30'000);
    c.set->find(aborted.id)->abort();
    CHECK_EQ(c.set->waiting(), 0);
}

CONTRACT_CASE("P2 P11 on_close of the one that has to go destroys the set", everywhere) {
    Stalled c{mode};
    const Adopted small = c.one(20'000);
    const Adopted large = c.one(70'000);
    c.destroys_set = true;
    CHECK_FALSE(c.set->find(small.id)->send(std::string(10'001, 'y')));
    CHECK_FALSE(c.set);
    CHECK_EQ(c.seen.closed.size(), 2);
}

CONTRACT_CASE("P11 what was left by a handler that closes no longer counts", everywhere) {
    bool closes = false;
    Stalled c{mode, {.on_data = [&](Connection& connection, ByteView) {
                  if (closes) connection.close();
                  return std::size_t{0};
              }}};
    const Adopted by_handler = adopt_unix(*c.set);
    put(by_handler.theirs, std::string(30'000, 'i'));
    const Adopted from_elsewhere = adopt_unix(*c.set);
    put(from_elsewhere.theirs, std::string(30'000, 'i'));
    settle(c.loop);
    REQUIRE_EQ(c.set->waiting(), 60'000);
    c.set->find(from_elsewhere.id)->close();
    CHECK_EQ(c.set->waiting(), 30'000);
    closes = true;
    put(by_handler.theirs, "i");
    settle(c.loop);
    CHECK_EQ(c.set->waiting(), 0);
}

CONTRACT_CASE("P11 what waits for one that just ended costs nobody else", everywhere) {
    ConnectionId other{};
    bool ends = false;
    Stalled* all = nullptr;
    Stalled c{mode, {.on_data = [&](Connection& connection, ByteView) {
                  if (!ends) return std::size_t{0};
                  connection.abort();
                  CHECK_EQ(all->set->waiting(), 20'000);
                  CHECK(all->set->find(other)->send(std::string(60'000, 'y')));
                  return std::size_t{0};
              }}};
    all = &c;
    const Adopted one = adopt_unix(*c.set);
    put(one.theirs, std::string(70'000, 'i'));
    settle(c.loop);
    const Adopted stalled = c.one(20'000);
    other = stalled.id;
    ends = true;
    put(one.theirs, "i");
    settle(c.loop);
    CHECK(closed_once(c.seen, CloseReason::aborted));
    CHECK_EQ(c.set->waiting(), 80'000);
}

CONTRACT_CASE("P2 P11 many have to go, and each end is told to all: one after the other",
              everywhere) {
    std::vector<ConnectionId> members;
    int depth = 0;
    int deepest = 0;
    Stalled c{mode};
    c.on_gone = [&] {
        if (!c.set) return; // the end of the test
        deepest = std::max(deepest, ++depth);
        for (const ConnectionId id : members)
            if (Connection* const member = c.set->find(id)) member->send(std::string(500, 'm'));
        --depth;
    };
    std::vector<Adopted> all;
    for (int i = 0; i < 30; ++i) members.push_back(all.emplace_back(c.one(3'000)).id);
    c.set->find(members.front())->send(std::string(10'001, 'y'));
    CHECK_GT(c.seen.closed.size(), 1);
    CHECK_EQ(deepest, 1);
    CHECK_LE(c.set->waiting(), Stalled::limit);
    CHECK_GT(c.set->size(), 0);
}
