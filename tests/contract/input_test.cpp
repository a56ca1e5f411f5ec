// What on_data does not take is kept, and offered again in front of what follows; pausing and
// resuming, wherever it is done.

#include "support/calls.hpp"
#include "support/contract.hpp"
#include "support/streams.hpp"

#include <optional>
#include <sys/socket.h>
#include <vector>

using namespace pollux;
using namespace pollux_test;

namespace {

struct Case {
    Case(const Mode& mode, ConnectionHandlers with, ConnectionOptions options = {})
        : loop{mode.backend} {
        with.on_close = [this](Connection&, const Closed& closed) {
            seen.closed.push_back(closed);
        };
        options.trigger = mode.trigger;
        set.emplace(loop, std::move(with), options);
        one = adopt_unix(*set);
    }
    Connection& connection() { return *set->find(one.id); }
    void send(std::string_view text) {
        put(one.theirs, text);
        settle(loop);
    }

    Seen seen;
    EventLoop loop;
    std::optional<ConnectionSet> set;
    Adopted one;
};

} // namespace

CONTRACT_CASE("kept input is offered in front of what follows", everywhere) {
    std::vector<std::string> offers;
    Case c{mode, {.on_data = [&](Connection&, ByteView data) {
               offers.emplace_back(text_of(data));
               return data.size() / 2;
           }}};
    c.send("abcd");
    c.send("ef");
    c.send("ghi");
    CHECK_EQ(offers, std::vector<std::string>{"abcd", "cdef", "efghi"});
}

CONTRACT_CASE("kept input alone calls nobody", everywhere) {
    int calls = 0;
    Case c{mode, {.on_data = [&](Connection&, ByteView) {
               ++calls;
               return std::size_t{0};
           }}};
    c.send("incomplete");
    CHECK_EQ(calls, 1);
}

CONTRACT_CASE("bug-C13 resuming offers kept input at once, without a new event", everywhere) {
    std::vector<std::string> offers;
    Case c{mode, {.on_data = [&](Connection& connection, ByteView data) -> std::size_t {
               offers.emplace_back(text_of(data));
               if (offers.size() > 1) return data.size();
               connection.pause_reading();
               return 1;
           }}};
    c.send("abc");
    c.send("def");
    CHECK_EQ(offers, std::vector<std::string>{"abc"});
    c.connection().resume_reading();
    CHECK_EQ(offers.size(), 1); // by the loop, not in this call
    settle(c.loop);
    REQUIRE_GE(offers.size(), 2);
    CHECK_EQ(offers[1].substr(0, 2), "bc");
    std::string all;
    for (std::size_t i = 1; i < offers.size(); ++i) all += offers[i];
    CHECK_EQ(all, "bcdef");
}

CONTRACT_CASE("paused and resumed while there is nothing: what comes then is offered", everywhere) {
    std::string got;
    Case c{mode, {.on_data = [&](Connection&, ByteView data) {
               got += text_of(data);
               return data.size();
           }}};
    for (int i = 0; i < 3; ++i) {
        c.connection().pause_reading();
        settle(c.loop);
        c.connection().resume_reading();
        settle(c.loop);
        c.send("x");
    }
    CHECK_EQ(got, "xxx");
}

CONTRACT_CASE("P5 bug-B2 while it is paused nobody is called, not even for the peer's end",
              everywhere) {
    int calls = 0;
    bool ended = false;
    Case c{mode,
           {.on_data =
                [&](Connection&, ByteView data) {
                    ++calls;
                    return data.size();
                },
            .on_end = [&](Connection&) { ended = true; }}};
    c.connection().pause_reading();
    put(c.one.theirs, "data");
    c.one.theirs.reset();
    settle(c.loop);
    CHECK_EQ(calls, 0);
    CHECK_FALSE(ended);
    c.connection().resume_reading();
    settle(c.loop);
    CHECK_EQ(calls, 1);
    CHECK(ended);
}

CONTRACT_CASE("paused and resumed in on_data: the rest follows, however it is triggered",
              everywhere) {
    std::string got;
    Case c{mode,
           {.on_data =
                [&](Connection& connection, ByteView data) {
                    got += text_of(data);
                    connection.pause_reading();
                    connection.resume_reading();
                    return data.size();
                }},
           {.reads_per_visit = 1}};
    const std::string text = pattern(150'000);
    put(c.one.theirs, text);
    settle(c.loop);
    CHECK(got == text);
}

CONTRACT_CASE("paused and resumed in on_data: what it leaves is offered again in the next turn",
              everywhere) {
    std::vector<std::string> offers;
    Case c{mode, {.on_data = [&](Connection& connection, ByteView data) {
               offers.emplace_back(text_of(data));
               connection.pause_reading();
               connection.resume_reading();
               return std::size_t{1};
           }}};
    c.send("abc");
    CHECK_EQ(offers, std::vector<std::string>{"abc", "bc", "c"});
}

CONTRACT_CASE("resuming what is not paused is no work", everywhere) {
    int calls = 0;
    Case c{mode, {.on_data = [&](Connection& connection, ByteView) {
               ++calls;
               connection.resume_reading();
               return std::size_t{0};
           }}};
    c.send("kept");
    c.connection().resume_reading();
    settle(c.loop);
    CHECK_EQ(calls, 1);
}

CONTRACT_CASE("paused in on_data, resumed by a neighbour's handler", everywhere) {
    std::string got;
    std::optional<ConnectionSet> set;
    Adopted one;
    Adopted two;
    EventLoop loop{mode.backend};
    set.emplace(loop,
                ConnectionHandlers{.on_data =
                                       [&](Connection& connection, ByteView data) {
                                           if (connection.id() == two.id) {
                                               set->find(one.id)->resume_reading();
                                           } else {
                                               got += text_of(data);
                                               connection.pause_reading();
                                           }
                                           return data.size();
                                       }},
                ConnectionOptions{.trigger = mode.trigger});
    one = adopt_unix(*set);
    two = adopt_unix(*set);
    put(one.theirs, "a");
    settle(loop);
    put(one.theirs, "b");
    settle(loop);
    CHECK_EQ(got, "a");
    put(two.theirs, "go on");
    settle(loop);
    CHECK_EQ(got, "ab");
}

CONTRACT_CASE("resumed by a timer in the turn in which its data came", everywhere) {
    const FakeClock clock;
    std::string got;
    Case c{mode, {.on_data = [&](Connection& connection, ByteView data) {
               got += text_of(data);
               connection.pause_reading();
               return data.size();
           }}};
    const Timer timer =
        c.loop.run_every(std::chrono::milliseconds{1}, [&] { c.connection().resume_reading(); });
    const std::string text = pattern(200'000);
    put(c.one.theirs, text);
    run_until(c.loop, [&] { return got.size() == text.size(); });
    CHECK(got == text);
}

CONTRACT_CASE("paused again before the offer that resuming promised: no offer", everywhere) {
    int calls = 0;
    Case c{mode, {.on_data = [&](Connection& connection, ByteView) {
               ++calls;
               connection.pause_reading();
               return std::size_t{0};
           }}};
    c.send("kept");
    c.connection().resume_reading();
    c.connection().pause_reading();
    settle(c.loop);
    CHECK_EQ(calls, 1);
    c.connection().resume_reading();
    settle(c.loop);
    CHECK_EQ(calls, 2);
}

CONTRACT_CASE("paused in on_open: nothing is read", everywhere) {
    int calls = 0;
    Case c{mode,
           {.on_open = [](Connection& connection) { connection.pause_reading(); },
            .on_data =
                [&](Connection&, ByteView data) {
                    ++calls;
                    return data.size();
                }}};
    c.send("early");
    CHECK_EQ(calls, 0);
    c.connection().resume_reading();
    settle(c.loop);
    CHECK_EQ(calls, 1);
}

CONTRACT_CASE("bug-E7 input limit: as much is kept, one byte more closes", everywhere) {
    for (const std::size_t size : {99UL, 100UL, 101UL}) {
        Case c{mode,
               {.on_data = [](Connection&, ByteView) { return std::size_t{0}; }},
               {.input_limit = 100}};
        c.send(std::string(size - 50, 'x'));
        c.send(std::string(50, 'x'));
        if (size <= 100)
            CHECK(c.seen.closed.empty());
        else
            CHECK(closed_once(c.seen, CloseReason::input_limit));
    }
}

CONTRACT_CASE("the peer ends while reading is paused: kept input is offered before the end",
              everywhere) {
    std::vector<std::string> order;
    Case c{mode,
           {.on_data = [&](Connection& connection, ByteView data) -> std::size_t {
                order.emplace_back(text_of(data));
                if (order.size() == 1) connection.pause_reading();
                return order.size() - 1;
            },
            .on_end = [&](Connection&) { order.emplace_back("end"); }}};
    put(c.one.theirs, "ab");
    c.one.theirs.reset();
    settle(c.loop);
    CHECK_EQ(order, std::vector<std::string>{"ab"});
    c.connection().resume_reading();
    settle(c.loop);
    CHECK_EQ(order, std::vector<std::string>{"ab", "ab", "end"});
}

CONTRACT_CASE("without on_data what comes is dropped, and the end is noticed", everywhere) {
    Case c{mode, {}};
    put(c.one.theirs, pattern(100'000));
    c.one.theirs.reset();
    settle(c.loop);
    CHECK(closed_once(c.seen, CloseReason::peer));
}

CONTRACT_CASE("an urgent byte, at which a read stops short: what follows it is read as well",
              everywhere) {
    EventLoop loop{mode.backend};
    Seen seen;
    ConnectionSet set{loop, note(seen), {.trigger = mode.trigger}};
    const Adopted one = adopt_tcp(set);
    put(one.theirs, "before ");
    ::send(one.theirs.get(), "!", 1, MSG_OOB);
    put(one.theirs, "after");
    run_until(loop, [&] { return seen.data == "before after"; });
    put(one.theirs, " and on");
    run_until(loop, [&] { return seen.data == "before after and on"; });
    settle(loop);
}
