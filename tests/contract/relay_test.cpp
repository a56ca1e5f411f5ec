// Relay: all that comes on one side leaves on the other, both ways, and nothing is left behind.

#include "support/calls.hpp"
#include "support/contract.hpp"
#include "support/descriptor_ledger.hpp"
#include "support/library_sockets.hpp"
#include "support/streams.hpp"
#include "support/wake_up_budget.hpp"

#include <algorithm>
#include <cerrno>
#include <optional>
#include <poll.h>
#include <pollux/stream/relay.hpp>
#include <random>
#include <sys/socket.h>

using namespace pollux;
using namespace pollux_test;

namespace {

using std::chrono::seconds;

// one.theirs - [one.ours | relay | other.ours] - other.theirs
struct Case {
    explicit Case(const Mode& mode, bool tcp = true,
                  Clock::duration idle_timeout = Clock::duration::max())
        : loop{mode.backend},
          one{tcp ? tcp_pair() : unix_pair()},
          other{tcp ? tcp_pair() : unix_pair()} {
        relay.emplace(loop, Socket::adopt(std::move(one.ours)),
                      Socket::adopt(std::move(other.ours)),
                      RelayOptions{.trigger = mode.trigger, .idle_timeout = idle_timeout},
                      [this](const RelayResult& how) {
                          ++calls;
                          result = how;
                      });
    }

    bool ended_as(RelayEnd end, int error = 0) {
        run_until(loop, [&] { return calls > 0; });
        settle(loop);
        CHECK_EQ(static_cast<int>(result.end), static_cast<int>(end));
        CHECK_EQ(result.error, error);
        return calls == 1 && result.end == end && result.error == error;
    }
    bool both_ended(std::uint64_t from_one, std::uint64_t from_other) {
        return ended_as(RelayEnd::both_ended) && result.from_one == from_one &&
               result.from_other == from_other;
    }

    EventLoop loop;
    Ends one;
    Ends other;
    int calls = 0;
    RelayResult result;
    std::optional<Relay> relay;
};

// What somebody outside has yet to send, and what he has got.
struct Peer {
    const Fd& fd;
    std::string_view left;
    std::string got{};
    bool told = false;

    bool at_work() {
        if (!left.empty()) {
            const ssize_t sent =
                ::send(fd.get(), left.data(), left.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
            if (sent > 0) left.remove_prefix(static_cast<std::size_t>(sent));
        } else if (!std::exchange(told, true)) {
            ::shutdown(fd.get(), SHUT_WR);
        }
        got += drain(fd);
        return !told || !at_end(fd);
    }
};

void exchange(Case& c, const std::string& there, const std::string& back) {
    Peer one{c.one.theirs, there};
    Peer other{c.other.theirs, back};
    run_until(c.loop, [&] {
        const bool first = one.at_work();
        return !other.at_work() && !first;
    });
    CHECK(one.got == back);
    CHECK(other.got == there);
    CHECK(c.both_ended(there.size(), back.size()));
}

std::string read_to_the_end(Case& c, const Fd& from) {
    std::string got;
    run_until(c.loop, [&] {
        got += drain(from);
        return at_end(from);
    });
    return got;
}

} // namespace

CONTRACT_CASE("megabytes both ways at once arrive as they were sent", everywhere) {
    const std::string there = pattern(3'000'000, 1);
    const std::string back = pattern(2'000'000, 2);
    for (const bool tcp : {true, false}) {
        Case c{mode, tcp};
        exchange(c, there, back);
    }
}

CONTRACT_CASE("between TCP and Unix", everywhere) {
    EventLoop loop{mode.backend};
    Ends tcp = tcp_pair();
    Ends local = unix_pair();
    int calls = 0;
    const Relay relay{loop, Socket::adopt(std::move(tcp.ours)),
                      Socket::adopt(std::move(local.ours)), RelayOptions{.trigger = mode.trigger},
                      [&](const RelayResult&) { ++calls; }};
    put(tcp.theirs, "there");
    put(local.theirs, "back");
    std::string there;
    std::string back;
    run_until(loop, [&] {
        there += drain(local.theirs);
        back += drain(tcp.theirs);
        return there == "there" && back == "back";
    });
    CHECK_EQ(calls, 0);
}

CONTRACT_CASE("half-close: a side that has ended still gets its answer, either way", everywhere) {
    for (const bool tcp : {true, false}) {
        for (const bool swapped : {true, false}) {
            Case c{mode, tcp};
            const Fd& asks = swapped ? c.other.theirs : c.one.theirs;
            const Fd& answers = swapped ? c.one.theirs : c.other.theirs;
            put(asks, "question");
            ::shutdown(asks.get(), SHUT_WR);
            CHECK_EQ(read_to_the_end(c, answers), "question");
            {
                const WakeUpBudget budget{c.loop, 100};
                settle(c.loop);
            }
            CHECK_EQ(c.calls, 0);
            put(answers, "long answer");
            ::shutdown(answers.get(), SHUT_WR);
            CHECK_EQ(read_to_the_end(c, asks), "long answer");
            CHECK(c.both_ended(swapped ? 11 : 8, swapped ? 8 : 11));
        }
    }
}

CONTRACT_CASE("a slow reader stops the other side, and nothing spins", everywhere) {
    for (const bool tcp : {true, false}) {
        const FakeClock clock;
        Case c{mode, tcp};
        std::size_t sent = 0;
        for (std::size_t more = 1; more > 0;) { // until nothing moves anywhere
            more = fill(c.one.theirs);
            sent += more;
            settle(c.loop);
        }
        {
            const WakeUpBudget budget{c.loop, 10};
            run_for(c.loop, seconds{100});
        }
        put(c.other.theirs, "the other way is free");
        std::string back;
        run_until(c.loop, [&] {
            back += drain(c.one.theirs);
            return back == "the other way is free";
        });
        ::shutdown(c.one.theirs.get(), SHUT_WR);
        CHECK_EQ(read_to_the_end(c, c.other.theirs).size(), sent);
        c.other.theirs.reset();
        CHECK(c.both_ended(sent, 21));
    }
}

CONTRACT_CASE("idle it waits and does not spin", everywhere) {
    const FakeClock clock;
    Case c{mode};
    const WakeUpBudget budget{c.loop, 10};
    run_for(c.loop, seconds{100});
    CHECK_EQ(c.calls, 0);
}

CONTRACT_CASE("P10 what one visit moves is bounded, and the rest follows unasked", everywhere) {
    constexpr std::size_t size = 1'000'000;
    Case c{mode};
    for (const Fd* fd : {&c.one.theirs, &c.other.theirs}) { // all of it waits before the visit
        const int room = 4'000'000;
        ::setsockopt(fd->get(), SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
        ::setsockopt(fd->get(), SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
    }
    put(c.one.theirs, std::string(100'000, 'x'));
    std::size_t got = 0;
    std::size_t sent = 100'000;
    std::size_t most = 0;
    run_until(c.loop, [&] {
        while (sent < size) {
            const std::string more(std::min<std::size_t>(size - sent, 50'000), 'x');
            const ssize_t count =
                ::send(c.one.theirs.get(), more.data(), more.size(), MSG_DONTWAIT);
            if (count <= 0) break;
            sent += static_cast<std::size_t>(count);
        }
        c.loop.run_once(Timeout::zero());
        const std::size_t turn = drain(c.other.theirs).size();
        most = std::max(most, turn);
        got += turn;
        return got == size;
    });
    CHECK_LE(most, 3 * (262'144 + 65'536)); // run_until takes a turn too
}

CONTRACT_CASE("a reset on one side ends both, and the other side sees one", everywhere) {
    for (const bool swapped : {true, false}) {
        Case c{mode};
        Fd& breaks = swapped ? c.other.theirs : c.one.theirs;
        const Fd& stays = swapped ? c.one.theirs : c.other.theirs;
        put(breaks, "some");
        std::string got;
        run_until(c.loop, [&] { return (got += drain(stays)) == "some"; });
        reset(breaks);
        CHECK(c.ended_as(RelayEnd::error, ECONNRESET));
        CHECK_EQ(swapped ? c.result.from_other : c.result.from_one, 4);
        await(stays, POLLERR);
        CHECK(fails_with(stays, ECONNRESET));
    }
}

CONTRACT_CASE("a peer that is gone when bytes come for it makes an error and no signal",
              everywhere) {
    Case c{mode, false};
    ::shutdown(c.other.theirs.get(), SHUT_WR);
    CHECK_EQ(read_to_the_end(c, c.one.theirs), "");
    c.other.theirs.reset();
    settle(c.loop);
    put(c.one.theirs, "for nobody");
    CHECK(c.ended_as(RelayEnd::error, EPIPE));
    CHECK_EQ(c.result.from_one, 0);
}

CONTRACT_CASE("the urgent byte is no end", everywhere) {
    Case c{mode};
    put(c.one.theirs, "before");
    std::string got;
    run_until(c.loop, [&] { return (got += drain(c.other.theirs)) == "before"; });
    REQUIRE_EQ(::send(c.one.theirs.get(), "!", 1, MSG_OOB), 1);
    settle(c.loop);
    put(c.one.theirs, "after");
    ::shutdown(c.one.theirs.get(), SHUT_WR);
    CHECK_EQ(read_to_the_end(c, c.other.theirs), "after");
    ::shutdown(c.other.theirs.get(), SHUT_WR);
    CHECK(c.both_ended(11, 0));
}

CONTRACT_CASE("S2 S16 short, interrupted and refused calls", everywhere) {
    const std::string there = pattern(300'000, 3);
    const std::string back = pattern(200'000, 4);
    for (const bool tcp : {true, false}) {
        Case c{mode, tcp};
        std::mt19937 random{44};
        const Calls calls{[&](const CallPoint& call) {
            CallOutcome outcome;
            if (call.name != "splice") return outcome;
            outcome.at_most = 1 + random() % 10'000;
            if (call.nth % 5 == 1) outcome.error = EINTR;
            // A lie at edge: what would not block is not told again.
            if (call.nth % 5 == 3 && !mode.is(Trigger::edge)) outcome.error = EAGAIN;
            return outcome;
        }};
        exchange(c, there, back);
    }
}

CONTRACT_CASE("what the kernel refuses ends it with that error", everywhere) {
    for (const unsigned nth : {1U, 2U}) {
        Case c{mode};
        const Calls calls{[&](const CallPoint& call) {
            return call.name == "splice" && call.nth == nth ? error_outcome(EINVAL) : CallOutcome{};
        }};
        put(c.one.theirs, "some");
        CHECK(c.ended_as(RelayEnd::error, EINVAL));
    }
}

CONTRACT_CASE("without pipes, or without a watch, it throws and closes both", everywhere) {
    const int before = open_descriptors();
    for (const unsigned nth : {1U, 2U}) {
        for (const int error : {EMFILE, ENFILE, ENOMEM}) {
            const Calls calls{[&](const CallPoint& call) {
                return call.name == "pipe2" && call.nth == nth ? error_outcome(error)
                                                               : CallOutcome{};
            }};
            CHECK(failure([&] { const Case c{mode}; }).starts_with("pipe2"));
        }
    }
    CHECK_EQ(open_descriptors(), before);
    EventLoop loop{mode.backend};
    Ends one = unix_pair();
    const Fd shut{::dup(one.theirs.get())};
    CHECK_THROWS_AS((Relay{loop,
                           Socket::adopt(std::move(one.ours)),
                           {},
                           RelayOptions{.trigger = mode.trigger},
                           [](const RelayResult&) { FAIL("called"); }}),
                    std::system_error);
    CHECK(at_end(shut));
    settle(loop);
}

CONTRACT_CASE("destroyed in its own completion, or before", everywhere) {
    const int before = open_descriptors();
    {
        EventLoop loop{mode.backend};
        Ends one = tcp_pair();
        Ends other = tcp_pair();
        std::optional<Relay> relay;
        bool done = false;
        relay.emplace(loop, Socket::adopt(std::move(one.ours)),
                      Socket::adopt(std::move(other.ours)), RelayOptions{.trigger = mode.trigger},
                      [&, large = std::string(100, 'x')](const RelayResult&) {
                          relay.reset();
                          done = large.size() == 100;
                      });
        one.theirs.reset();
        other.theirs.reset();
        run_until(loop, [&] { return done; });
        settle(loop);
    }
    {
        Case c{mode, false};
        put(c.one.theirs, "lost");
        c.relay.reset();
        settle(c.loop);
        CHECK_EQ(c.calls, 0);
        CHECK(fails_with(c.one.theirs, ECONNRESET)); // closed, and what had come was not read
        CHECK(at_end(c.other.theirs));
    }
    {
        Case c{mode, false};
        Relay moved = std::move(*c.relay);
        put(c.one.theirs, "x");
        run_until(c.loop, [&] { return drain(c.other.theirs) == "x"; });
        moved = std::move(*Case{mode, false}.relay);
        CHECK(at_end(c.other.theirs));
    }
    CHECK_EQ(open_descriptors(), before);
}

CONTRACT_CASE("idle: cut when nothing moved for so long, not a moment before", everywhere) {
    const FakeClock clock;
    for (const bool in_completion : {true, false}) {
        Case c{mode, false, seconds{10}};
        for (int i = 0; i < 3; ++i) {
            put(i % 2 == 0 ? c.one.theirs : c.other.theirs, "x");
            settle(c.loop);
            run_for(c.loop, seconds{9});
            CHECK_EQ(c.calls, 0);
        }
        if (in_completion) {
            run_for(c.loop, seconds{2});
            CHECK(c.ended_as(RelayEnd::idle));
            CHECK_EQ(c.result.from_one, 2);
            CHECK_EQ(c.result.from_other, 1);
        } else {
            c.relay.reset();
            run_for(c.loop, seconds{20});
            CHECK_EQ(c.calls, 0);
        }
    }
}
