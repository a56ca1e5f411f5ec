// S of the catalogue, the ordinary life of a connection: what is sent arrives once and in order,
// what is offered is offered in order, ids name one connection for ever.

#include "support/calls.hpp"
#include "support/contract.hpp"
#include "support/streams.hpp"

#include <cerrno>
#include <optional>
#include <poll.h>
#include <set>
#include <sys/socket.h>
#include <vector>

using namespace pollux;
using namespace pollux_test;

CONTRACT_CASE("S1 one byte at a time, both ways, is the same as one block", everywhere) {
    EventLoop loop{mode.backend};
    Seen seen;
    ConnectionSet set{loop, note_and_echo(seen), {.trigger = mode.trigger}};
    const Adopted one = adopt_unix(set);
    const std::string text = pattern(500);
    std::string echo;
    for (const char byte : text) {
        put(one.theirs, {&byte, 1});
        settle(loop);
        echo += take(one.theirs, 1);
    }
    CHECK(echo == text);
    CHECK(seen.data == text);
}

CONTRACT_CASE("S2 bug-E5 10 MB come back as sent, while the kernel's buffers are full most of the "
              "time",
              everywhere) {
    EventLoop loop{mode.backend};
    Seen seen;
    ConnectionSet set{loop, note_and_echo(seen), {.trigger = mode.trigger}};
    const Adopted one = adopt_tcp(set);
    const std::string text = pattern(10'000'000);
    std::size_t sent = 0;
    std::string echo;
    run_until(loop, [&] {
        const ssize_t count =
            ::send(one.theirs.get(), text.data() + sent,
                   std::min<std::size_t>(text.size() - sent, 300'000), MSG_DONTWAIT | MSG_NOSIGNAL);
        if (count > 0) sent += static_cast<std::size_t>(count);
        if (count <= 0) echo += drain(one.theirs); // only when nothing more goes in
        return echo.size() == text.size();
    });
    CHECK(echo == text);
    CHECK_EQ(set.stats().received, text.size());
    CHECK_EQ(set.stats().sent, text.size());
}

CONTRACT_CASE("S10 sending nothing is no call, and true", everywhere) {
    EventLoop loop{mode.backend};
    Seen seen;
    ConnectionSet set{loop, note(seen), {.trigger = mode.trigger}};
    const Adopted one = adopt_unix(set);
    const Calls calls;
    CHECK(set.find(one.id)->send(""));
    settle(loop);
    CHECK_EQ(calls.of("send"), 0);
    CHECK_EQ(calls.of("epoll_ctl"), 0);
}

CONTRACT_CASE("S11 a thousand small sends in a handler leave in order and in one call",
              everywhere) {
    EventLoop loop{mode.backend};
    Seen seen;
    std::string expected;
    for (int i = 0; i < 1000; ++i) expected += std::to_string(i) + ",";
    ConnectionHandlers handlers = note(seen);
    handlers.on_data = [](Connection& connection, ByteView data) {
        for (int i = 0; i < 1000; ++i) CHECK(connection.send(std::to_string(i) + ","));
        CHECK_GT(connection.queued(), 3000); // gathered
        return data.size();
    };
    ConnectionSet set{loop, std::move(handlers), {.trigger = mode.trigger}};
    const Adopted one = adopt_unix(set);
    put(one.theirs, "go");
    const Calls calls;
    settle(loop);
    CHECK_EQ(calls.of("send"), 1);
    CHECK_EQ(drain(one.theirs), expected);
}

CONTRACT_CASE("S11 a thousand small sends from elsewhere: at once, each in a call of its own",
              everywhere) {
    EventLoop loop{mode.backend};
    Seen seen;
    ConnectionSet set{loop, note(seen), {.trigger = mode.trigger}};
    const Adopted one = adopt_tcp(set);
    const Calls calls;
    std::string expected;
    for (int i = 0; i < 1000; ++i) {
        expected += std::to_string(i) + ",";
        CHECK(set.find(one.id)->send(std::to_string(i) + ","));
    }
    CHECK_EQ(calls.of("send"), 1000);
    std::string got;
    run_until(loop, [&] {
        got += drain(one.theirs);
        return got.size() == expected.size();
    });
    CHECK_EQ(got, expected);
}

CONTRACT_CASE("S11 small and large sends in one handler keep their order", everywhere) {
    EventLoop loop{mode.backend};
    Seen seen;
    std::string expected;
    ConnectionHandlers handlers = note(seen);
    handlers.on_open = [&](Connection& connection) {
        for (const std::size_t size :
             {1UL, 70'000UL, 3UL, 65'536UL, 65'535UL, 2UL, 400'000UL, 5UL}) {
            const std::string text = pattern(size, static_cast<unsigned>(size));
            expected += text;
            CHECK(connection.send(text));
        }
    };
    ConnectionSet set{loop, std::move(handlers), {.trigger = mode.trigger}};
    const Adopted one = adopt_unix(set);
    std::string got;
    run_until(loop, [&] {
        got += drain(one.theirs);
        return got.size() == expected.size();
    });
    CHECK(got == expected);
}

CONTRACT_CASE("S11 what is sent on a neighbour leaves at once, not when the handler returns",
              everywhere) {
    EventLoop loop{mode.backend};
    Seen seen;
    std::optional<ConnectionSet> set;
    Adopted other;
    ConnectionHandlers handlers = note(seen);
    handlers.on_data = [&](Connection& connection, ByteView data) {
        CHECK(connection.send("mine"));
        CHECK(set->find(other.id)->send("yours"));
        CHECK_EQ(drain(other.theirs), "yours");
        return data.size();
    };
    set.emplace(loop, std::move(handlers), ConnectionOptions{.trigger = mode.trigger});
    const Adopted one = adopt_unix(*set);
    other = adopt_unix(*set);
    put(one.theirs, "go");
    settle(loop);
    CHECK_EQ(drain(one.theirs), "mine");
}

CONTRACT_CASE("P4 an echo changes no registration, and costs one read and one write", everywhere) {
    if (mode.is(Trigger::one_shot)) return; // which is armed again after each event
    EventLoop loop{mode.backend};
    Seen seen;
    ConnectionSet set{loop, note_and_echo(seen), {.trigger = mode.trigger}};
    const Adopted one = adopt_unix(set);
    settle(loop);
    const Calls calls;
    for (int i = 0; i < 10; ++i) {
        put(one.theirs, "ping");
        loop.run_once();
        CHECK_EQ(drain(one.theirs), "ping");
    }
    CHECK_EQ(calls.of("epoll_ctl"), 0);
    CHECK_EQ(calls.of("recv"), 10);
    CHECK_EQ(calls.of("send"), 10);
    CHECK_EQ(calls.waits(), 10);
}

CONTRACT_CASE("bug-B4 writing is watched only while the kernel refuses", everywhere) {
    EventLoop loop{mode.backend};
    Seen seen;
    ConnectionSet set{loop, note(seen), {.trigger = mode.trigger}};
    const Adopted one = adopt_unix(set);
    const std::string text = pattern(2'000'000);
    CHECK(set.find(one.id)->send(text));
    CHECK_GT(set.find(one.id)->queued(), 0);
    settle(loop); // refused for now: nobody is called
    std::string got;
    run_until(loop, [&] {
        got += drain(one.theirs);
        return got.size() == text.size();
    });
    CHECK(got == text);
    CHECK_EQ(set.find(one.id)->queued(), 0);
    settle(loop); // delivered: nobody is called
}

CONTRACT_CASE("ids: each connection has its own, and one that is gone names nobody", everywhere) {
    EventLoop loop{mode.backend};
    Seen seen;
    ConnectionSet set{loop, note(seen), {.trigger = mode.trigger}};
    CHECK_EQ(set.find(ConnectionId{}), nullptr);
    std::set<ConnectionId> ids;
    for (int i = 0; i < 200; ++i) {
        const Adopted one = adopt_unix(set);
        CHECK(ids.insert(one.id).second);
        REQUIRE_NE(set.find(one.id), nullptr);
        CHECK(set.find(one.id)->id() == one.id);
        set.find(one.id)->abort();
        CHECK_EQ(set.find(one.id), nullptr);
    }
    for (const ConnectionId id : ids) CHECK_EQ(set.find(id), nullptr);
    CHECK_EQ(seen.closed.size(), 200);
    CHECK_EQ(set.size(), 0);
    CHECK_EQ(set.find(ConnectionId{}), nullptr);
}

CONTRACT_CASE("ids: in its own on_close a connection is not found any more", everywhere) {
    EventLoop loop{mode.backend};
    Seen seen;
    std::optional<ConnectionSet> set;
    ConnectionHandlers handlers = note(seen);
    int closed = 0;
    handlers.on_close = [&](Connection& connection, const Closed&) {
        ++closed;
        CHECK_EQ(set->find(connection.id()), nullptr);
        CHECK_GE(connection.fd(), 0); // the socket is still there to be asked
        CHECK_FALSE(connection.send("too late"));
        connection.close();
        connection.abort();
        connection.end();
        connection.pause_reading();
        connection.resume_reading();
        connection.set_deadline(Clock::now());
    };
    set.emplace(loop, std::move(handlers), ConnectionOptions{.trigger = mode.trigger});
    const Adopted one = adopt_unix(*set);
    Adopted two = adopt_unix(*set);
    set->find(one.id)->abort();
    two.theirs.reset();
    settle(loop);
    CHECK_EQ(closed, 2);
    CHECK_EQ(drain(one.theirs), "");
}

CONTRACT_CASE("the user's pointer starts empty, for whoever gets the place", everywhere) {
    EventLoop loop{mode.backend};
    Seen seen;
    ConnectionSet set{loop, note(seen), {.trigger = mode.trigger}};
    int mine = 0;
    for (int i = 0; i < 3; ++i) {
        const Adopted one = adopt_unix(set);
        CHECK_EQ(set.find(one.id)->user, nullptr);
        set.find(one.id)->user = &mine;
        set.find(one.id)->abort();
    }
}

CONTRACT_CASE("for_each sees those there are, whatever becomes of them meanwhile", everywhere) {
    EventLoop loop{mode.backend};
    Seen seen;
    ConnectionSet set{loop, note(seen), {.trigger = mode.trigger}};
    std::vector<Adopted> all;
    all.reserve(100);
    for (int i = 0; i < 100; ++i) all.push_back(adopt_unix(set));
    int visited = 0;
    set.for_each([&](Connection& connection) {
        ++visited;
        if (visited == 1) set.find(all[50].id)->abort();
        if (visited % 2 == 0) connection.abort();
        if (visited == 3) all.push_back(adopt_unix(set));
    });
    CHECK_GE(visited, 99);
    CHECK_LE(visited, 100);
    CHECK_EQ(set.size(), 101 - seen.closed.size());
}
