// bug-F2 and P11: who has not shown who they are gets less, until they are admitted.

#include "support/echo_case.hpp"

#include <pollux/instruments/call_hook.hpp>

using namespace pollux;
using namespace pollux_test;

using std::chrono::seconds;

namespace {

constexpr AdmissionLimits small{.timeout = seconds{10}, .input_limit = 100, .output_limit = 1'000};

void keep_all(ConnectionHandlers& handlers) {
    handlers.on_data = [](Connection&, ByteView) { return std::size_t{0}; };
}

void pass(EchoCase& c, Clock::duration time, FakeClock& clock) {
    clock.advance(time);
    settle(c.loop);
}

} // namespace

CONTRACT_CASE("bug-F2 who is not admitted may leave no more than the smaller input limit",
              everywhere) {
    EchoCase c{mode, adopt_unix, {.admission = small}, keep_all};
    put(c.one.theirs, std::string(100, 'x'));
    settle(c.loop);
    CHECK(c.seen.closed.empty());
    put(c.one.theirs, "y");
    settle(c.loop);
    CHECK(closed_once(c.seen, CloseReason::input_limit));
}

CONTRACT_CASE("bug-F2 bug-F1 who is not admitted has the smaller output limit", everywhere) {
    EchoCase c{mode, adopt_unix, {.admission = small}, keep_all};
    while (c.connection().queued() == 0) REQUIRE(c.connection().send(std::string(1'000, 'x')));
    CHECK(c.connection().send(std::string(1'000 - c.connection().queued(), 'x')));
    CHECK_FALSE(c.connection().send("y"));
    settle(c.loop);
    CHECK(closed_once(c.seen, CloseReason::output_limit));
}

CONTRACT_CASE("bug-F5 who is not admitted in time is closed, whatever came", everywhere) {
    FakeClock clock;
    EchoCase c{mode, adopt_unix, {.admission = small}};
    for (int second = 0; second < 10; ++second) {
        CHECK(c.seen.closed.empty());
        put(c.one.theirs, "please");
        pass(c, seconds{1}, clock);
        drain(c.one.theirs);
    }
    CHECK(closed_once(c.seen, CloseReason::deadline));
}

CONTRACT_CASE("bug-F2 who is admitted has the ordinary limits and no hurry", everywhere) {
    FakeClock clock;
    EchoCase c{mode, adopt_unix, {.admission = small}, [](ConnectionHandlers& handlers) {
                   handlers.on_data = [](Connection& connection, ByteView data) {
                       if (text_of(data) == "secret") {
                           connection.admit();
                           return data.size();
                       }
                       return std::size_t{0};
                   };
               }};
    pass(c, seconds{9}, clock);
    put(c.one.theirs, "secret");
    pass(c, seconds{30}, clock);
    CHECK(c.seen.closed.empty());
    put(c.one.theirs, std::string(5'000, 'x'));
    settle(c.loop);
    while (c.connection().queued() <= 5'000) REQUIRE(c.connection().send(std::string(5'000, 'x')));
    CHECK(c.seen.closed.empty());
}

CONTRACT_CASE("bug-F2 the next client in the same place begins outside again", everywhere) {
    EchoCase c{mode, adopt_unix, {.admission = small}, keep_all};
    c.connection().admit();
    c.connection().abort();
    c.one = adopt_unix(*c.set);
    put(c.one.theirs, std::string(101, 'x'));
    settle(c.loop);
    REQUIRE_EQ(c.seen.closed.size(), 2);
    CHECK(c.seen.closed.back().reason == CloseReason::input_limit);
}

CONTRACT_CASE("bug-F2 who is admitted while it connects has no hurry", everywhere) {
    FakeClock clock;
    EventLoop loop{mode.backend};
    const Socket listening = Socket::listen(Address::parse("127.0.0.1:0"));
    Seen seen;
    ConnectionSet set{loop, note(seen), {.trigger = mode.trigger, .admission = small}};
    set.find(set.connect(listening.local()))->admit();
    run_until(loop, [&] { return seen.opened == 1; });
    clock.advance(seconds{10});
    settle(loop);
    CHECK(seen.closed.empty());
}
