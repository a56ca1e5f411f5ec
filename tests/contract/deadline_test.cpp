// Idle timeouts and deadlines of connections, on a clock that the test moves.

#include "support/calls.hpp"
#include "support/contract.hpp"
#include "support/streams.hpp"

#include <array>
#include <cerrno>
#include <optional>
#include <stdexcept>
#include <vector>

using namespace pollux;
using namespace pollux_test;

using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

struct Case {
    explicit Case(const Mode& mode, Clock::duration idle = Clock::duration::max())
        : loop{mode.backend},
          set{std::in_place, loop, note_and_echo(seen),
              ConnectionOptions{.trigger = mode.trigger, .idle_timeout = idle}} {}
    void pass(Clock::duration time) {
        clock.advance(time);
        settle(loop);
    }

    FakeClock clock;
    Seen seen;
    EventLoop loop;
    std::optional<ConnectionSet> set;
};

// Takes the first line when it is whole, and leaves the rest.
struct Lines : Case {
    Lines(const Mode& mode, Clock::duration idle, Clock::duration message) : Case{mode} {
        ConnectionHandlers handlers = note(seen);
        handlers.on_data = [](Connection&, ByteView bytes) {
            return text_of(bytes).find('\n') + 1;
        };
        set.emplace(loop, std::move(handlers),
                    ConnectionOptions{
                        .trigger = mode.trigger, .idle_timeout = idle, .message_timeout = message});
        one = adopt_unix(*set);
    }
    void come(std::string_view text) {
        put(one.theirs, text);
        settle(loop);
    }

    Adopted one;
};

} // namespace

CONTRACT_CASE("idle: cut when nothing came and nothing went for so long, not a moment before",
              everywhere) {
    Case c{mode, seconds{10}};
    const Adopted one = adopt_unix(*c.set);
    for (int i = 0; i < 3; ++i) {
        c.pass(milliseconds{9'999});
        REQUIRE(c.seen.closed.empty());
        if (i == 1)
            CHECK(c.set->find(one.id)->send("output counts"));
        else
            put(one.theirs, "input counts");
        settle(c.loop);
        drain(one.theirs);
    }
    c.pass(milliseconds{9'999});
    CHECK(c.seen.closed.empty());
    c.pass(milliseconds{1});
    CHECK(closed_once(c.seen, CloseReason::idle));
    CHECK(at_end(one.theirs));
}

CONTRACT_CASE("idle: readiness that turns out to be none puts off nothing, whoever was busy before",
              everywhere) {
    Case c{mode, seconds{10}};
    const Adopted busy = adopt_unix(*c.set);
    const Adopted idle = adopt_unix(*c.set);
    settle(c.loop);
    put(busy.theirs, "x");
    c.pass(seconds{6});
    const CallHook nothing_came{[](const CallPoint& call) {
        return call.name == "recv" ? CallOutcome{.error = EAGAIN} : CallOutcome{};
    }};
    put(idle.theirs, "x");
    c.loop.run_once(Timeout::zero());
    c.clock.advance(seconds{4});
    c.loop.run_once(Timeout::zero());
    c.loop.run_once(Timeout::zero());
    CHECK(c.set->find(busy.id) != nullptr);
    CHECK(c.set->find(idle.id) == nullptr);
}

CONTRACT_CASE("idle: a paused connection is cut as well", everywhere) {
    Case c{mode, seconds{10}};
    const Adopted one = adopt_unix(*c.set);
    c.set->find(one.id)->pause_reading();
    put(one.theirs, "unread");
    c.pass(seconds{10});
    CHECK(closed_once(c.seen, CloseReason::idle));
}

CONTRACT_CASE("idle: of many, each at its own time, in order", everywhere) {
    Case c{mode, seconds{10}};
    std::vector<Adopted> all;
    for (int i = 0; i < 20; ++i) {
        all.push_back(adopt_unix(*c.set));
        c.pass(milliseconds{100});
    }
    CHECK(c.seen.closed.empty());
    for (std::size_t gone = 0; gone < 20; ++gone) {
        CHECK_EQ(c.seen.closed.size(), gone);
        c.pass(gone == 0 ? milliseconds{8'000} : milliseconds{100});
    }
    CHECK_EQ(c.seen.closed.size(), 20);
}

CONTRACT_CASE("bug-F5 a deadline is absolute: traffic does not put it off", everywhere) {
    Case c{mode, seconds{10}};
    const Adopted one = adopt_unix(*c.set);
    c.set->find(one.id)->set_deadline(later(Clock::now(), seconds{30}));
    for (int second = 0; second < 29; ++second) {
        put(one.theirs, "x");
        c.pass(seconds{1});
    }
    CHECK(c.seen.closed.empty());
    c.pass(seconds{1});
    CHECK(closed_once(c.seen, CloseReason::deadline));
}

CONTRACT_CASE("a deadline without idle timeout, moved, and taken back", everywhere) {
    Case c{mode};
    const Adopted one = adopt_unix(*c.set);
    Connection& connection = *c.set->find(one.id);
    connection.set_deadline(later(Clock::now(), seconds{5}));
    connection.set_deadline(later(Clock::now(), seconds{10}));
    c.pass(seconds{9});
    CHECK(c.seen.closed.empty());
    connection.set_deadline(Clock::time_point::max());
    c.pass(std::chrono::hours{100});
    CHECK(c.seen.closed.empty());
    connection.set_deadline(later(Clock::now(), seconds{5}));
    connection.set_deadline(later(Clock::now(), seconds{2}));
    c.pass(seconds{2});
    CHECK(closed_once(c.seen, CloseReason::deadline));
}

CONTRACT_CASE("a deadline in the past closes in the next turn", everywhere) {
    Case c{mode};
    const Adopted one = adopt_unix(*c.set);
    c.set->find(one.id)->set_deadline(Clock::time_point{});
    CHECK(c.seen.closed.empty());
    settle(c.loop);
    CHECK(closed_once(c.seen, CloseReason::deadline));
}

CONTRACT_CASE("on_close puts off the one that is due next: the one behind that is cut still",
              on_level) {
    FakeClock clock;
    EventLoop loop{mode.backend};
    std::array<Adopted, 3> all;
    int closed = 0;
    ConnectionSet set{loop, {.on_close = [&](Connection&, Closed) {
                          if (++closed > 1) return;
                          Connection& next = *set.find(all[1].id);
                          next.set_deadline(later(Clock::now(), seconds{100}));
                      }}};
    for (std::size_t i = 0; i < all.size(); ++i) {
        all[i] = adopt_unix(set);
        const std::chrono::nanoseconds one_after_another{1 + i};
        set.find(all[i].id)->set_deadline(later(Clock::now(), one_after_another));
    }
    clock.advance(seconds{1});
    settle(loop);
    CHECK_EQ(closed, 2);
    CHECK_NE(set.find(all[1].id), nullptr);
}

CONTRACT_CASE("a deadline counts while it lingers; the reason stays that of the close",
              everywhere) {
    Case c{mode};
    const Adopted one = adopt_unix(*c.set);
    c.set->find(one.id)->set_deadline(later(Clock::now(), seconds{2}));
    c.set->find(one.id)->close();
    c.pass(seconds{1});
    CHECK(c.seen.closed.empty());
    c.pass(seconds{1});
    CHECK(closed_once(c.seen, CloseReason::closed));
}

CONTRACT_CASE("bug-F5 M8 the time for a message is absolute: dribbling does not put it off",
              everywhere) {
    Lines c{mode, seconds{20}, seconds{30}};
    for (int second = 0; second < 30; ++second) {
        CHECK(c.seen.closed.empty());
        c.come("x");
        c.pass(seconds{1});
    }
    CHECK(closed_once(c.seen, CloseReason::deadline));
}

CONTRACT_CASE("bug-F5 each message has its time; between messages there is none", everywhere) {
    Lines c{mode, Clock::duration::max(), seconds{30}};
    for (int message = 0; message < 3; ++message) {
        c.come("begin");
        c.pass(seconds{29});
        c.come(" and end\n"); // the handler takes it all
        c.pass(seconds{300});
    }
    c.come("one");
    for (int message = 0; message < 5; ++message) {
        c.pass(seconds{29});
        c.come("\ntwo"); // takes one, and leaves the beginning of another
    }
    c.pass(seconds{29});
    CHECK(c.seen.closed.empty());
    CHECK_NE(c.loop.time_to_wait(), forever);
    c.pass(seconds{1});
    CHECK(closed_once(c.seen, CloseReason::deadline));
    CHECK_EQ(c.loop.time_to_wait(), forever);
}

CONTRACT_CASE("bug-F5 while it does not read, the time for a message does not pass", everywhere) {
    Lines c{mode, Clock::duration::max(), seconds{30}};
    c.come("begin");
    c.set->find(c.one.id)->pause_reading();
    c.pass(seconds{1000});
    CHECK(c.seen.closed.empty());
    c.set->find(c.one.id)->resume_reading();
    c.pass(seconds{29});
    CHECK(c.seen.closed.empty());
    c.pass(seconds{1});
    CHECK(closed_once(c.seen, CloseReason::deadline));
}

CONTRACT_CASE("bug-F5 the idle timeout and the deadline go on beside the time for a message",
              everywhere) {
    Lines idle{mode, seconds{10}, seconds{30}};
    idle.come("begin");
    idle.pass(seconds{10});
    CHECK(closed_once(idle.seen, CloseReason::idle));

    Lines c{mode, Clock::duration::max(), seconds{30}};
    c.set->find(c.one.id)->set_deadline(later(Clock::now(), seconds{40}));
    c.come("begin");
    c.pass(seconds{20});
    c.come("\n");
    c.pass(seconds{19});
    CHECK(c.seen.closed.empty());
    c.pass(seconds{1});
    CHECK(closed_once(c.seen, CloseReason::deadline));
}

CONTRACT_CASE("bug-F5 a close has its own time, whatever message was begun", everywhere) {
    Lines c{mode, Clock::duration::max(), seconds{3}};
    c.come("begin");
    c.set->find(c.one.id)->close(); // lingers 5 s
    c.pass(milliseconds{4'999});
    CHECK(c.seen.closed.empty());
    c.pass(milliseconds{1});
    CHECK(closed_once(c.seen, CloseReason::closed));
}

CONTRACT_CASE("bug-B10 connections that are gone leave no wake-up behind", everywhere) {
    Case c{mode, seconds{10}};
    for (int i = 0; i < 5; ++i) {
        const Adopted one = adopt_unix(*c.set);
        put(one.theirs, "busy");
        c.pass(seconds{1});
        c.set->find(one.id)->abort();
    }
    CHECK_EQ(c.loop.time_to_wait(), forever);
}

CONTRACT_CASE("a busy connection costs at most one wake-up for each idle timeout", everywhere) {
    Case c{mode, seconds{10}};
    const Adopted one = adopt_unix(*c.set);
    int wake_ups = 0;
    for (int i = 0; i < 100; ++i) {
        put(one.theirs, "x");
        c.loop.run_once();
        c.clock.advance(milliseconds{990});
        if (c.loop.time_to_wait() <= Timeout::zero()) {
            ++wake_ups;
            settle(c.loop);
        }
    }
    CHECK(c.seen.closed.empty());
    CHECK_LE(wake_ups, 10);
}

CONTRACT_CASE("P15 on_close throws for one that is due: the others are cut in the next turns",
              everywhere) {
    FakeClock clock;
    EventLoop loop{mode.backend};
    int closed = 0;
    {
        ConnectionSet set{loop,
                          {.on_close =
                               [&](Connection&, const Closed&) {
                                   if (++closed <= 2) throw std::runtime_error{"on_close"};
                               }},
                          {.trigger = mode.trigger, .idle_timeout = seconds{1}}};
        std::vector<Adopted> all;
        all.reserve(5);
        for (int i = 0; i < 5; ++i) all.push_back(adopt_unix(set));
        clock.advance(seconds{1});
        CHECK_THROWS_WITH(settle(loop), "on_close");
        CHECK_THROWS_WITH(settle(loop), "on_close");
        settle(loop);
        CHECK_EQ(closed, 5);
        CHECK_EQ(set.size(), 0);
    }
}
