// P11, S12 to S14, bug-C4, bug-C15, bug-E7, bug-F1, bug-F3: a peer that does not read is not read
// from, and memory has a limit.

#include "support/calls.hpp"
#include "support/echo_case.hpp"

#include <cerrno>
#include <malloc.h>
#include <poll.h>

using namespace pollux;
using namespace pollux_test;

namespace {

// As much as both sides take until nothing moves any more.
std::size_t push(EchoCase& c) {
    std::size_t sent = 0;
    for (std::size_t before = 1; sent != before;) {
        before = sent;
        sent += fill(c.one.theirs);
        settle(c.loop);
    }
    return sent;
}

} // namespace

CONTRACT_CASE("S12 over the high-water mark reading stops, and goes on at the low-water mark",
              everywhere) {
    EchoCase c{mode, adopt_unix, {.high_water = 500'000, .low_water = 100'000}};
    const std::size_t sent = push(c);
    CHECK_GT(c.connection().queued(), 500'000);
    CHECK_LT(c.connection().queued(), 500'000 + 300'000); // at most one visit more
    CHECK_LT(c.seen.data.size(), sent);
    CHECK_EQ(c.seen.drained, 0);
    std::size_t back = 0;
    run_until(c.loop, [&] {
        back += drain(c.one.theirs).size();
        return back == sent;
    });
    CHECK_GE(c.seen.drained, 1);
    CHECK_EQ(c.seen.data.size(), sent);
    CHECK(c.seen.closed.empty());
    settle(c.loop);
}

CONTRACT_CASE("S12 a client may read on over the high-water mark, and on_drain is told",
              everywhere) {
    EchoCase c{mode,
               adopt_unix,
               {.high_water = 500'000, .low_water = 100'000, .read_over_high_water = true},
               [](ConnectionHandlers& handlers) { handlers.on_data = nullptr; }};
    CHECK(c.connection().send(std::string(3'000'000, 'q')));
    settle(c.loop);
    CHECK_GT(c.connection().queued(), 500'000);
    std::size_t sent = 0;
    for (int i = 0; i < 5; ++i) {
        sent += fill(c.one.theirs);
        settle(c.loop);
    }
    CHECK_GT(sent, 0);
    CHECK_EQ(c.set->stats().received, sent); // though nobody reads what waits
    CHECK_EQ(c.seen.drained, 0);
    std::size_t got = 0;
    run_until(c.loop, [&] {
        got += drain(c.one.theirs).size();
        return got == 3'000'000;
    });
    CHECK_EQ(c.seen.drained, 1);
}

CONTRACT_CASE("bug-C15 one handler call sends far more than the mark: no stall", everywhere) {
    int answers = 0;
    EchoCase c{
        mode, adopt_unix, {.high_water = 10, .low_water = 0}, [&](ConnectionHandlers& handlers) {
            handlers.on_data = [&](Connection& connection, ByteView data) {
                for (std::size_t i = 0; i < data.size(); ++i, ++answers)
                    connection.send(std::string(700'000, 'a'));
                return data.size();
            };
        }};
    put(c.one.theirs, "12");
    std::size_t got = 0;
    run_until(c.loop, [&] {
        got += drain(c.one.theirs).size();
        return got == 1'400'000;
    });
    put(c.one.theirs, "3");
    run_until(c.loop, [&] {
        got += drain(c.one.theirs).size();
        return got == 2'100'000;
    });
    CHECK_EQ(answers, 3);
}

CONTRACT_CASE("S12 on_drain may send as much again, for ever", everywhere) {
    int left = 5;
    EchoCase c{mode,
               adopt_unix,
               {.high_water = 100'000, .low_water = 1'000},
               [&](ConnectionHandlers& handlers) {
                   handlers.on_drain = [&](Connection& connection) {
                       if (left-- > 0)
                           connection.send(std::string(1'000'000, 'd'));
                       else
                           connection.close();
                   };
               }};
    CHECK(c.connection().send(std::string(1'000'000, 'd')));
    std::size_t got = 0;
    run_until(c.loop, [&] {
        got += drain(c.one.theirs).size();
        return at_end(c.one.theirs);
    });
    CHECK_EQ(got, 6'000'000);
}

CONTRACT_CASE("bug-C4 on_drain sends, and the kernel takes a part only: the rest follows",
              everywhere) {
    // TCP tells of room only where a write was refused.
    EchoCase c{
        mode, adopt_tcp, {.high_water = 1'000, .low_water = 0}, [](ConnectionHandlers& handlers) {
            handlers.on_drain = [](Connection& connection) {
                connection.send(std::string(5'000, '2'));
                connection.close();
            };
        }};
    // Short writes, though there is room.
    const Calls calls{[](const CallPoint& call) {
        CallOutcome outcome;
        if (call.name == "send") outcome.at_most = 700;
        if (call.name == "send" && call.nth == 2) outcome.error = EAGAIN;
        return outcome;
    }};
    CHECK(c.connection().send(std::string(5'000, '1')));
    std::string got;
    run_until(c.loop, [&] {
        got += drain(c.one.theirs);
        return at_end(c.one.theirs);
    });
    CHECK_EQ(got, std::string(5'000, '1') + std::string(5'000, '2'));
}

CONTRACT_CASE("on_drain is not called after close", everywhere) {
    EchoCase c{mode, adopt_unix, {.high_water = 1'000, .low_water = 0}};
    CHECK(c.connection().send(pattern(1'000'000)));
    c.connection().close();
    run_until(c.loop, [&] {
        drain(c.one.theirs);
        return at_end(c.one.theirs);
    });
    CHECK_EQ(c.seen.drained, 0);
}

CONTRACT_CASE("S12 paused by the user and by the mark: reading goes on when both are over",
              everywhere) {
    EchoCase c{mode, adopt_unix, {.high_water = 1'000, .low_water = 0}};
    CHECK(c.connection().send(pattern(1'000'000)));
    c.connection().pause_reading();
    put(c.one.theirs, "input");
    c.connection().resume_reading();
    settle(c.loop);
    CHECK_EQ(c.seen.data, "");
    c.connection().pause_reading();
    run_until(c.loop, [&] {
        drain(c.one.theirs);
        return c.connection().queued() == 0;
    });
    settle(c.loop);
    CHECK_EQ(c.seen.data, "");
    c.connection().resume_reading();
    settle(c.loop);
    CHECK_EQ(c.seen.data, "input");
}

CONTRACT_CASE("S12 input kept while over the mark is offered when it is drained", everywhere) {
    std::vector<std::string> offers;
    EchoCase c{
        mode, adopt_unix, {.high_water = 1'000, .low_water = 0}, [&](ConnectionHandlers& handlers) {
            handlers.on_data = [&](Connection& connection, ByteView data) -> std::size_t {
                offers.emplace_back(text_of(data));
                if (offers.size() > 1) return data.size();
                connection.send(pattern(1'000'000));
                return 1;
            };
        }};
    put(c.one.theirs, "abc");
    settle(c.loop);
    CHECK_EQ(offers.size(), 1);
    run_until(c.loop, [&] {
        drain(c.one.theirs);
        return offers.size() == 2;
    });
    CHECK_EQ(offers[1], "bc");
}

CONTRACT_CASE("S13 bug-E7 bug-F4 output limit: as much waits, one byte more closes", everywhere) {
    for (const std::size_t extra : {0UL, 1UL}) {
        EchoCase c{mode, adopt_unix, {.high_water = 1'000'000, .output_limit = 10'000}};
        while (c.connection().queued() == 0) CHECK(c.connection().send(std::string(1'000, 'x')));
        const std::size_t room = 10'000 - c.connection().queued();
        CHECK_EQ(c.connection().send(std::string(room + extra, 'x')), extra == 0);
        if (extra == 0)
            CHECK(c.seen.closed.empty());
        else
            CHECK(closed_once(c.seen, CloseReason::output_limit));
    }
}

CONTRACT_CASE("bug-F1 a client that never reads its answers is closed at the limit, and its memory "
              "is freed",
              everywhere) {
    // Each request makes a large answer, and the marks are no help: they are above the limit.
    EchoCase c{mode,
               adopt_unix,
               {.high_water = 100'000'000, .output_limit = 4'000'000},
               [](ConnectionHandlers& handlers) {
                   handlers.on_data = [](Connection& connection, ByteView data) {
                       for (std::size_t i = 0; i < data.size(); ++i)
                           connection.send(std::string(100'000, 'a'));
                       return data.size();
                   };
               }};
    const std::size_t before = ::mallinfo2().uordblks + ::mallinfo2().hblkhd;
    for (int i = 0; i < 200 && c.seen.closed.empty(); ++i) {
        put(c.one.theirs, "r");
        settle(c.loop);
    }
    CHECK(closed_once(c.seen, CloseReason::output_limit));
    CHECK_LT(::mallinfo2().uordblks + ::mallinfo2().hblkhd, before + 1'000'000);
}

CONTRACT_CASE("bug-F3 S14 over the mark and silent: the idle timeout cuts it", everywhere) {
    FakeClock clock;
    EchoCase c{mode,
               adopt_unix,
               {.high_water = 1'000, .low_water = 0, .idle_timeout = std::chrono::minutes{1}}};
    CHECK(c.connection().send(pattern(1'000'000)));
    settle(c.loop);
    clock.advance(std::chrono::seconds{59});
    settle(c.loop);
    CHECK(c.seen.closed.empty());
    clock.advance(std::chrono::seconds{1});
    settle(c.loop);
    CHECK(closed_once(c.seen, CloseReason::idle));
}
