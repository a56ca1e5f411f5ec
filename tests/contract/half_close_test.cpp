// How connections end: by the peer, by `end`, `close` and `abort`, by a reset; and what is still
// delivered then (bug-C2, bug-E1 to bug-E4, S4 to S9).

#include "support/calls.hpp"
#include "support/echo_case.hpp"

#include <cerrno>
#include <poll.h>
#include <sys/socket.h>

using namespace pollux;
using namespace pollux_test;

namespace {

// For `change` of an EchoCase.
auto count_ends(int& ended) {
    return [&](ConnectionHandlers& handlers) { handlers.on_end = [&](Connection&) { ++ended; }; };
}

} // namespace

CONTRACT_CASE("bug-C2 E3 data and end in one edge: both are delivered", everywhere) {
    for (const bool tcp : {false, true}) {
        EchoCase c{mode, tcp ? adopt_tcp : adopt_unix};
        put(c.one.theirs, "0123456789");
        ::shutdown(c.one.theirs.get(), SHUT_WR);
        CHECK_EQ(c.until_end(), "0123456789");
        c.one.theirs.reset();
        run_until(c.loop, [&] { return !c.seen.closed.empty(); });
        CHECK(closed_once(c.seen, CloseReason::peer));
    }
}

CONTRACT_CASE("S4 bug-E4 the peer ends its side: the answer is still delivered", everywhere) {
    EchoCase c{mode, adopt_tcp, {}, [](ConnectionHandlers& handlers) {
                   handlers.on_end = [](Connection& connection) {
                       CHECK(connection.send("and the answer"));
                       connection.close();
                   };
               }};
    put(c.one.theirs, "question ");
    ::shutdown(c.one.theirs.get(), SHUT_WR);
    CHECK_EQ(c.until_end(), "question and the answer");
    CHECK(closed_once(c.seen, CloseReason::closed));
}

CONTRACT_CASE("S4 bug-B3 on_end is called once, and the connection stays open for sending",
              everywhere) {
    int ended = 0;
    EchoCase c{mode, adopt_unix, {}, count_ends(ended)};
    ::shutdown(c.one.theirs.get(), SHUT_WR);
    settle(c.loop);
    CHECK_EQ(ended, 1);
    CHECK(c.connection().send("later"));
    settle(c.loop);
    CHECK_EQ(drain(c.one.theirs), "later");
    c.connection().close();
    CHECK(closed_once(c.seen, CloseReason::closed)); // the peer's end has come already
    CHECK_EQ(ended, 1);
}

CONTRACT_CASE("S5 the peer ends with 3 MB still to be sent: flushed, then closed", everywhere) {
    EchoCase c{mode, adopt_tcp};
    const std::string text = pattern(3'000'000);
    CHECK(c.connection().send(text));
    ::shutdown(c.one.theirs.get(), SHUT_WR);
    settle(c.loop);
    CHECK(c.until_end() == text);
    run_until(c.loop, [&] { return !c.seen.closed.empty(); });
    CHECK(closed_once(c.seen, CloseReason::peer));
}

CONTRACT_CASE("S6 bug-E2 W12 reset while writing: one on_close with the error, no signal",
              everywhere) {
    EchoCase c{mode, adopt_tcp};
    const std::string block(200'000, 'w');
    while (c.connection().queued() == 0) CHECK(c.connection().send(block));
    reset(c.one.theirs);
    run_until(c.loop, [&] { return !c.seen.closed.empty(); });
    settle(c.loop);
    REQUIRE_EQ(c.seen.closed.size(), 1);
    CHECK(c.seen.closed[0].reason == CloseReason::error);
    CHECK((c.seen.closed[0].error == ECONNRESET || c.seen.closed[0].error == EPIPE));
}

CONTRACT_CASE("S7 bug-E1 reset while idle: the error once, and no end after it", everywhere) {
    int ended = 0;
    EchoCase c{mode, adopt_tcp, {}, count_ends(ended)};
    reset(c.one.theirs);
    run_until(c.loop, [&] { return !c.seen.closed.empty(); });
    settle(c.loop);
    CHECK(closed_once(c.seen, CloseReason::error, ECONNRESET));
    CHECK_EQ(ended, 0);
}

CONTRACT_CASE("S7 data and then a reset: on_close with the error", everywhere) {
    EchoCase c{mode, adopt_tcp};
    put(c.one.theirs, "last words");
    reset(c.one.theirs);
    run_until(c.loop, [&] { return !c.seen.closed.empty(); });
    CHECK(closed_once(c.seen, CloseReason::error, ECONNRESET));
}

CONTRACT_CASE("a Unix peer that is gone: sending from elsewhere finds out", everywhere) {
    EchoCase c{mode, adopt_unix};
    c.one.theirs.reset();
    CHECK_FALSE(c.connection().send("anybody?"));
    CHECK(closed_once(c.seen, CloseReason::error, EPIPE));
    CHECK_EQ(c.set->find(c.one.id), nullptr);
    settle(c.loop);
}

CONTRACT_CASE("S8 bug-E3 closed with unread input: 2 MB arrive whole", everywhere) {
    const std::string answer = pattern(2'000'000);
    EchoCase c{mode, adopt_tcp, {}, [&](ConnectionHandlers& handlers) {
                   handlers.on_data = [&](Connection& connection, ByteView data) {
                       connection.send(answer);
                       connection.close();
                       return data.size();
                   };
               }};
    put(c.one.theirs, "request");
    put(c.one.theirs, pattern(300'000)); // which nobody reads
    c.loop.run_once();
    CHECK(c.until_end() == answer);
    CHECK(c.seen.closed.empty());
    c.one.theirs.reset();
    run_until(c.loop, [&] { return !c.seen.closed.empty(); });
    CHECK(closed_once(c.seen, CloseReason::closed));
}

CONTRACT_CASE("S8 closed while the peer goes on sending: the answer arrives, the rest is dropped",
              everywhere) {
    EchoCase c{mode, adopt_tcp};
    CHECK(c.connection().send("go away"));
    c.connection().close();
    CHECK_FALSE(c.connection().send("one more"));
    std::string got;
    for (int i = 0; i < 100; ++i) {
        put(c.one.theirs, pattern(50'000));
        settle(c.loop);
        got += drain(c.one.theirs);
    }
    CHECK_EQ(got, "go away");
    CHECK(at_end(c.one.theirs));
    CHECK_EQ(c.seen.data, "");
    c.one.theirs.reset();
    run_until(c.loop, [&] { return !c.seen.closed.empty(); });
    CHECK(closed_once(c.seen, CloseReason::closed));
}

CONTRACT_CASE("S9 the peer never ends: cut when the linger timeout is over", everywhere) {
    FakeClock clock;
    EchoCase c{mode, adopt_unix, {.linger_timeout = std::chrono::seconds{7}}};
    c.connection().close();
    clock.advance(std::chrono::milliseconds{6'999});
    put(c.one.theirs, "still here"); // no reason to wait longer
    settle(c.loop);
    CHECK(c.seen.closed.empty());
    CHECK_EQ(c.set->size(), 1);
    clock.advance(std::chrono::milliseconds{1});
    settle(c.loop);
    CHECK(closed_once(c.seen, CloseReason::closed));
}

CONTRACT_CASE("S9 the peer reads nothing: cut when nothing went for the linger timeout",
              everywhere) {
    FakeClock clock;
    EchoCase c{mode, adopt_unix, {.linger_timeout = std::chrono::seconds{7}}};
    CHECK(c.connection().send(pattern(1'000'000)));
    c.connection().close();
    clock.advance(std::chrono::seconds{6});
    settle(c.loop);
    CHECK_GT(drain(c.one.theirs).size(), 0);
    settle(c.loop); // something went: another seven seconds
    clock.advance(std::chrono::seconds{6});
    settle(c.loop);
    CHECK(c.seen.closed.empty());
    clock.advance(std::chrono::seconds{1});
    settle(c.loop);
    CHECK(closed_once(c.seen, CloseReason::closed));
}

CONTRACT_CASE("S9 lingering without limit is not cut by the idle timeout", everywhere) {
    FakeClock clock;
    EchoCase c{mode,
               adopt_unix,
               {.idle_timeout = std::chrono::seconds{1}, .linger_timeout = Clock::duration::max()}};
    CHECK(c.connection().send(pattern(1'000'000)));
    c.connection().close();
    clock.advance(std::chrono::hours{1});
    settle(c.loop);
    CHECK(c.seen.closed.empty());
    CHECK_EQ(c.until_end().size(), 1'000'000);
    clock.advance(std::chrono::hours{1});
    settle(c.loop);
    CHECK(c.seen.closed.empty());
    c.one.theirs.reset();
    settle(c.loop);
    CHECK(closed_once(c.seen, CloseReason::closed));
}

CONTRACT_CASE("a reset while it lingers: the error is told", everywhere) {
    EchoCase c{mode, adopt_tcp};
    c.connection().close();
    settle(c.loop);
    reset(c.one.theirs);
    run_until(c.loop, [&] { return !c.seen.closed.empty(); });
    CHECK(closed_once(c.seen, CloseReason::error, ECONNRESET));
}

CONTRACT_CASE("end: what was sent before arrives, then the end; reading goes on", everywhere) {
    EchoCase c{mode, adopt_tcp};
    const std::string text = pattern(1'000'000);
    CHECK(c.connection().send(text));
    c.connection().end();
    c.connection().end();
    CHECK_FALSE(c.connection().send("more"));
    CHECK(c.until_end() == text);
    put(c.one.theirs, "heard");
    run_until(c.loop, [&] { return c.seen.data == "heard"; });
    CHECK(c.seen.closed.empty());
    c.one.theirs.reset();
    run_until(c.loop, [&] { return !c.seen.closed.empty(); });
    CHECK(closed_once(c.seen, CloseReason::peer));
}

CONTRACT_CASE("end, then close: the peer is told once, and its end awaited", everywhere) {
    EchoCase c{mode, adopt_unix};
    const Calls calls;
    c.connection().end();
    c.connection().close();
    c.connection().close();
    settle(c.loop);
    CHECK_EQ(calls.of("shutdown"), 1);
    CHECK(c.seen.closed.empty());
    c.one.theirs.reset();
    settle(c.loop);
    CHECK(closed_once(c.seen, CloseReason::closed));
}

CONTRACT_CASE("end in a handler comes after what the handler sent", everywhere) {
    // NOLINTNEXTLINE(misc-const-correctness): its handlers change it
    EchoCase c{mode, adopt_unix, {}, [](ConnectionHandlers& handlers) {
                   handlers.on_open = [](Connection& connection) {
                       CHECK(connection.send("greeting"));
                       connection.end();
                       CHECK_FALSE(connection.send("never"));
                   };
               }};
    CHECK_EQ(drain(c.one.theirs), "greeting");
    CHECK(at_end(c.one.theirs));
    CHECK(c.seen.closed.empty());
}

CONTRACT_CASE("close in on_open, before anything: greeting and end", everywhere) {
    EchoCase c{mode, adopt_tcp, {}, [](ConnectionHandlers& handlers) {
                   handlers.on_open = [](Connection& connection) {
                       CHECK(connection.send("full, sorry"));
                       connection.close();
                   };
               }};
    put(c.one.theirs, "hello?");
    CHECK_EQ(c.until_end(), "full, sorry");
    c.one.theirs.reset();
    run_until(c.loop, [&] { return !c.seen.closed.empty(); });
    CHECK(closed_once(c.seen, CloseReason::closed));
}

CONTRACT_CASE("abort: the peer sees it at once, what waits is lost, on_close before it returns",
              everywhere) {
    EchoCase c{mode, adopt_unix};
    CHECK(c.connection().send(pattern(1'000'000)));
    c.connection().abort();
    CHECK(closed_once(c.seen, CloseReason::aborted));
    CHECK_LT(drain(c.one.theirs).size(), 1'000'000);
    CHECK(at_end(c.one.theirs));
}

CONTRACT_CASE("abort while it lingers", everywhere) {
    EchoCase c{mode, adopt_unix};
    c.connection().close();
    settle(c.loop);
    c.connection().abort();
    CHECK(closed_once(c.seen, CloseReason::aborted));
}
