// Reading and writing: on every backend and trigger.

#include "coro/library.hpp"
#include "support/calls.hpp"
#include "support/stack_depth.hpp"

#include <algorithm>
#include <cerrno>
#include <optional>
#include <sys/socket.h>
#include <system_error>
#include <vector>

using namespace pollux;
using namespace pollux_test;
using coro::Scope;
using coro::Stream;

namespace pollux_test {
constexpr bool told_at_once(Mode mode) { return on_epoll(mode) && !on_level(mode); }
} // namespace pollux_test

namespace {

std::span<std::byte> bytes_in(std::string& text) { return std::as_writable_bytes(std::span{text}); }

// What a peer gets back for `text`.
std::string echoed(EventLoop& loop, const Fd& peer, const std::string& text) {
    std::string got;
    std::size_t sent = 0;
    run_until(loop, [&] {
        if (sent < text.size()) {
            const ssize_t count = ::send(peer.get(), text.data() + sent, text.size() - sent,
                                         MSG_DONTWAIT | MSG_NOSIGNAL);
            if (count > 0) sent += static_cast<std::size_t>(count);
        }
        got += drain(peer);
        return got.size() == text.size();
    });
    return got;
}

} // namespace

CONTRACT_CASE("S1 an echo of one byte, of many single bytes, and of 1 MiB", everywhere) {
    EventLoop loop{mode.backend};
    Scope scope{loop};
    const auto check = [&](Ends (*connect)()) {
        Talk talk{loop, mode, connect};
        scope.start(echo(std::move(talk.ours)));
        CHECK_EQ(echoed(loop, talk.theirs, "x"), "x");
        for (const char byte : std::string{"one by one"})
            CHECK_EQ(echoed(loop, talk.theirs, {byte}), std::string{byte});
        const std::string much = pattern(std::size_t{1} << 20);
        CHECK(echoed(loop, talk.theirs, much) == much);
        talk.theirs.reset();
        run_until(loop, [&] { return scope.size() == 0; });
    };
    check(unix_pair);
    check(tcp_pair);
}

CONTRACT_CASE("what waits to be written out of the loop's scratch is kept from the others",
              everywhere) {
    EventLoop loop{mode.backend};
    Scope scope{loop};
    Talk slow{loop, mode};
    Talk other{loop, mode};
    scope.start(echo(std::move(slow.ours)));
    scope.start(echo(std::move(other.ours)));
    const std::string text = pattern(2'000'000);
    std::string got;
    std::size_t sent = 0;
    // The slow one sends without reading until it is stuck; then the other one uses the scratch.
    run_until(loop, [&] {
        const ssize_t count = ::send(slow.theirs.get(), text.data() + sent, text.size() - sent,
                                     MSG_DONTWAIT | MSG_NOSIGNAL);
        if (count > 0) sent += static_cast<std::size_t>(count);
        loop.run_once(Timeout::zero());
        return count < 0;
    });
    CHECK_EQ(echoed(loop, other.theirs, std::string(60'000, '!')), std::string(60'000, '!'));
    run_until(loop, [&] {
        got += drain(slow.theirs);
        return got.size() == sent;
    });
    CHECK(got == text.substr(0, sent));
}

CONTRACT_CASE("… and what is put off, because enough was written in this visit", everywhere) {
    EventLoop loop{mode.backend};
    Scope scope{loop};
    Talk talk{loop, mode};
    // Before the task goes on, somebody else uses the scratch.
    const Timer other = loop.run_at({}, [&] { std::ranges::fill(loop.scratch(), std::byte{'!'}); });
    const auto writer = [&]() -> coro::Task<> {
        for (int i = 0; i < 20; ++i) {
            const auto text = loop.scratch().first(4);
            std::ranges::fill(text, std::byte{'x'});
            co_await talk.ours.write(text);
        }
    };
    scope.start(writer());
    settle(loop);
    CHECK_EQ(drain(talk.theirs), std::string(80, 'x'));
}

CONTRACT_CASE("… down to its last byte", everywhere) {
    EventLoop loop{mode.backend};
    Scope scope{loop};
    Talk talk{loop, mode};
    const std::span<std::byte> scratch = loop.scratch();
    int sends = 0;
    const Calls calls{[&](const CallPoint& call) {
        if (call.name != "send") return CallOutcome{};
        ++sends;
        if (sends == 1) return at_most(scratch.size() - 1);
        return sends == 2 && mode.is(Trigger::edge) ? error_outcome(EAGAIN) : CallOutcome{};
    }};
    std::ranges::fill(scratch, std::byte{'a'});
    const auto writer = [&]() -> coro::Task<> { co_await talk.ours.write(scratch); };
    scope.start(writer());
    REQUIRE_EQ(scope.size(), 1);
    std::ranges::fill(scratch, std::byte{'b'});
    std::string got;
    run_until(loop, [&] {
        got += drain(talk.theirs);
        return got.size() == scratch.size() && scope.size() == 0;
    });
    CHECK(got == std::string(scratch.size(), 'a'));
}

CONTRACT_CASE("S2 short reads and writes: all arrives", everywhere) {
    EventLoop loop{mode.backend};
    Scope scope{loop};
    Talk talk{loop, mode};
    scope.start(echo(std::move(talk.ours)));
    std::size_t nth = 0;
    const Calls calls{[&](const CallPoint& call) {
        // At edge a short read is taken as proof that nothing is left.
        const bool cuts = call.name == "send" || (call.name == "recv" && !mode.is(Trigger::edge));
        if (!cuts) return CallOutcome{};
        return at_most(1 + (++nth * 7919) % 100);
    }};
    const std::string text = pattern(20'000);
    CHECK(echoed(loop, talk.theirs, text) == text);
}

CONTRACT_CASE("the end, a reset and a write to nobody are values", everywhere) {
    EventLoop loop{mode.backend};
    Scope scope{loop};
    std::vector<std::string> seen;
    const auto reader = [&](Stream& from) -> coro::Task<> {
        seen.push_back(co_await read_all(from));
        std::byte byte{};
        const IoResult again = co_await from.read({&byte, 1});
        CHECK(again.state == IoState::end);
    };
    Talk ended{loop, mode};
    put(ended.theirs, "hello");
    ended.theirs.reset();
    scope.start(reader(ended.ours));
    settle(loop);
    Talk broken{loop, mode, tcp_pair};
    scope.start(reader(broken.ours));
    reset(broken.theirs);
    run_until(loop, [&] { return scope.size() == 0; });
    CHECK_EQ(seen, std::vector<std::string>{
                       "hello", std::make_error_code(std::errc::connection_reset).message()});
    const auto writer = [&](Stream& to) -> coro::Task<> {
        const IoResult result = co_await to.write(bytes_of("lost"));
        CHECK(is(result, IoState::error, 0, EPIPE));
    };
    scope.start(writer(ended.ours));
    CHECK_EQ(scope.size(), 0);
}

CONTRACT_CASE("E3 bug-C2 data and the end that came together are both told", everywhere) {
    EventLoop loop{mode.backend};
    Scope scope{loop};
    Talk talk{loop, mode};
    put(talk.theirs, "data");
    ::shutdown(talk.theirs.get(), SHUT_WR);
    std::string got;
    const auto reader = [&]() -> coro::Task<> { got = co_await read_all(talk.ours); };
    scope.start(reader());
    settle(loop);
    CHECK_EQ(got, "data");
    CHECK_EQ(scope.size(), 0);
}

CONTRACT_CASE("E3 bug-C2 an end that was announced is told, however many reads come before it",
              everywhere) {
    EventLoop loop{mode.backend};
    Scope scope{loop};
    Talk talk{loop, mode};
    std::string got;
    put(talk.theirs, "0123456789");
    ::shutdown(talk.theirs.get(), SHUT_WR); // one edge for all
    const auto read_in_fours = [](Stream stream, std::string& into) -> coro::Task<> {
        std::string four(4, '\0');
        for (;;) {
            const IoResult result = co_await stream.read(bytes_in(four));
            if (result.state != IoState::ok) co_return;
            into.append(four, 0, result.bytes);
        }
    };
    scope.start(read_in_fours(std::move(talk.ours), got));
    run_until(loop, [&] { return scope.size() == 0; });
    CHECK_EQ(got, "0123456789");
}

CONTRACT_CASE("read_exactly fills its buffer, or says how much came before the end", everywhere) {
    EventLoop loop{mode.backend};
    Scope scope{loop};
    Talk talk{loop, mode};
    std::string first(10, '.');
    std::string second(10, '.');
    std::vector<IoResult> results;
    const auto reader = [&]() -> coro::Task<> {
        results.push_back(co_await talk.ours.read_exactly({}));
        results.push_back(co_await talk.ours.read_exactly(bytes_in(first)));
        results.push_back(co_await talk.ours.read_exactly(bytes_in(second)));
    };
    scope.start(reader());
    for (const std::string_view part : {"01", "234", "56789abc"}) {
        put(talk.theirs, part);
        settle(loop);
    }
    CHECK_EQ(results.size(), 2);
    talk.theirs.reset();
    settle(loop);
    REQUIRE_EQ(results.size(), 3);
    CHECK(is(results[0], IoState::ok));
    CHECK(is(results[1], IoState::ok, 10));
    CHECK(is(results[2], IoState::end, 3));
    CHECK_EQ(first, "0123456789");
    CHECK_EQ(second.substr(0, 3), "abc");
}

CONTRACT_CASE("both directions are awaited at once by two tasks", everywhere) {
    EventLoop loop{mode.backend};
    Scope scope{loop};
    Talk talk{loop, mode};
    const std::string much = pattern(3'000'000);
    bool written = false;
    std::string got;
    const auto writer = [&]() -> coro::Task<> {
        const IoResult result = co_await talk.ours.write(bytes_of(much));
        CHECK(is(result, IoState::ok, much.size()));
        written = true;
    };
    const auto reader = [&]() -> coro::Task<> { got = co_await read_all(talk.ours); };
    scope.start(writer());
    scope.start(reader());
    for (int i = 0; i < 5; ++i) {
        put(talk.theirs, "while it waits ");
        settle(loop);
    }
    CHECK_FALSE(written);
    std::string sent;
    run_until(loop, [&] {
        sent += drain(talk.theirs);
        return written;
    });
    sent += drain(talk.theirs);
    CHECK(sent == much);
    put(talk.theirs, "and after");
    talk.theirs.reset();
    run_until(loop, [&] { return scope.size() == 0; });
    CHECK_EQ(got.size(), 5 * 15 + 9);
}

CONTRACT_CASE("a second reader, or writer, is refused", everywhere) {
    EventLoop loop{mode.backend};
    Scope scope{loop};
    Talk talk{loop, mode};
    fill(Fd{::dup(talk.ours.socket().fd())});
    std::byte byte{};
    const auto read = [&]() -> coro::Task<> { co_await talk.ours.read({&byte, 1}); };
    const auto readable = [&]() -> coro::Task<> { co_await talk.ours.readable(); };
    const auto write = [&]() -> coro::Task<> { co_await talk.ours.write(bytes_of("x")); };
    const auto writable = [&]() -> coro::Task<> { co_await talk.ours.writable(); };
    scope.start(read());
    scope.start(write());
    CHECK_THROWS_AS(scope.start(read()), std::logic_error);
    CHECK_THROWS_AS(scope.start(readable()), std::logic_error);
    CHECK_THROWS_AS(scope.start(write()), std::logic_error);
    CHECK_THROWS_AS(scope.start(writable()), std::logic_error);
    CHECK_EQ(scope.size(), 2);
    put(talk.theirs, "x");
    drain(talk.theirs);
    settle(loop);
    CHECK_EQ(scope.size(), 0);
}

CONTRACT_CASE("a stream may be destroyed by the task it resumes, and while others wait",
              everywhere) {
    EventLoop loop{mode.backend};
    Scope scope{loop};
    Ends ends = unix_pair();
    std::optional<Stream> stream{std::in_place, loop, Socket::adopt(std::move(ends.ours)),
                                 mode.trigger};
    fill(Fd{::dup(stream->socket().fd())});
    std::byte byte{};
    std::vector<int> seen;
    const auto destroy = [&](const IoResult& result) {
        CHECK(is(result, IoState::ok, 1));
        stream.reset(); // within the expression that awaits
        seen.push_back(1);
    };
    const auto reader = [&]() -> coro::Task<> { destroy(co_await stream->read({&byte, 1})); };
    const auto writer = [&]() -> coro::Task<> {
        const IoResult result = co_await stream->write(bytes_of("x"));
        CHECK(is(result, IoState::error, 0, EBADF));
        seen.push_back(2);
    };
    scope.start(reader());
    scope.start(writer());
    put(ends.theirs, "x");
    settle(loop);
    CHECK_EQ(seen, std::vector<int>{1, 2});
    CHECK_EQ(scope.size(), 0);
}

CONTRACT_CASE("waiting and reading the socket by hand: what was left is told again", everywhere) {
    EventLoop loop{mode.backend};
    Scope scope{loop};
    Talk talk{loop, mode};
    std::string got;
    const auto reader = [&]() -> coro::Task<> {
        while (got.size() < 6) {
            co_await talk.ours.readable();
            got += read_text(talk.ours.socket(), 1);
        }
        got += "|";
        std::string rest(4, '\0');
        co_await talk.ours.read_exactly(bytes_in(rest));
        got += rest;
    };
    scope.start(reader());
    put(talk.theirs, "abc");
    settle(loop);
    CHECK_EQ(got, "abc");
    put(talk.theirs, "defghij"); // an edge that was seen, and not read out
    settle(loop);
    CHECK_EQ(got, "abcdef|ghij");
}

CONTRACT_CASE("S16 ENOBUFS passes: the write goes on after a while", everywhere) {
    const FakeClock clock;
    EventLoop loop{mode.backend};
    Scope scope{loop};
    Talk talk{loop, mode};
    int refusals = 3;
    const Calls calls{[&](const CallPoint& call) {
        return call.name == "send" && refusals-- > 0 ? error_outcome(ENOBUFS) : CallOutcome{};
    }};
    const auto writer = [&]() -> coro::Task<> {
        const IoResult result = co_await talk.ours.write(bytes_of("text"));
        CHECK(is(result, IoState::ok, 4));
    };
    scope.start(writer());
    for (int turns = 0; scope.size() > 0 && turns < 100; ++turns) loop.run_once();
    CHECK_EQ(drain(talk.theirs), "text");
    CHECK_LE(calls.waits(), 6);
    SUBCASE("a stream destroyed meanwhile") {
        refusals = 1000;
        const auto fails = [&](std::optional<Stream>& stream) -> coro::Task<> {
            const IoResult result = co_await stream->write(bytes_of("text"));
            CHECK(is(result, IoState::error, 0, EBADF));
        };
        std::optional<Stream> stream{std::move(talk.ours)};
        scope.start(fails(stream));
        CHECK_EQ(scope.size(), 1);
        stream.reset();
        settle(loop);
        CHECK_EQ(scope.size(), 0);
    }
}

// At level the loop tells the kernel again with each turn.
CONTRACT_CASE("a wait that the kernel refuses later on is told to who writes", told_at_once) {
    const FakeClock clock;
    EventLoop loop{mode.backend};
    Scope scope{loop};
    Talk talk{loop, mode};
    int sends = 0;
    const Calls calls{[&](const CallPoint& call) {
        if (call.name == "send") return error_outcome(sends++ == 0 ? ENOBUFS : EAGAIN);
        return call.name == "epoll_ctl" ? error_outcome(ENOMEM) : CallOutcome{};
    }};
    int error = 0;
    const auto writer = [&]() -> coro::Task<> {
        try {
            co_await talk.ours.write(bytes_of("text"));
        } catch (const std::system_error& failure) {
            error = failure.code().value();
        }
    };
    scope.start(writer());
    CHECK_EQ(scope.size(), 1);
    loop.run_once();
    CHECK_EQ(error, ENOMEM);
    CHECK_EQ(scope.size(), 0);
}

CONTRACT_CASE("input for which nobody waits does not keep the loop busy", everywhere) {
    EventLoop loop{mode.backend};
    Scope scope{loop};
    Talk talk{loop, mode};
    put(talk.theirs, "early");
    settle(loop); // fails when the loop spins
    std::string got(5, '\0');
    const auto reader = [&]() -> coro::Task<> { co_await talk.ours.read_exactly(bytes_in(got)); };
    scope.start(reader());
    CHECK_EQ(got, "early"); // it was told: no wait
    talk.theirs.reset();
    settle(loop); // nor does the end
    const auto end = [&]() -> coro::Task<> { CHECK_EQ(co_await read_all(talk.ours), ""); };
    scope.start(end());
    settle(loop);
    CHECK_EQ(scope.size(), 0);
}

CONTRACT_CASE("P10 a flood is read in turns with its neighbours", everywhere) {
    EventLoop loop{mode.backend};
    Scope scope{loop};
    Talk flood{loop, mode};
    const int much = 1 << 20;
    REQUIRE_EQ(::setsockopt(flood.theirs.get(), SOL_SOCKET, SO_SNDBUF, &much, sizeof much), 0);
    std::size_t sent = fill(flood.theirs);
    std::size_t received = 0;
    const auto reader = [&]() -> coro::Task<> {
        std::array<std::byte, 512> block{};
        for (;;) {
            const IoResult result = co_await flood.ours.read(block);
            if (result.state != IoState::ok) co_return;
            received += result.bytes;
        }
    };
    const Ends neighbour = unix_pair();
    put(neighbour.theirs, "x"); // never read
    const Calls calls;
    const int fd = flood.ours.socket().fd();
    std::size_t most = 0;
    std::size_t before = 0;
    const Watch watch =
        loop.watch(neighbour.ours.get(), Interest::read, Trigger::level, [&](Readiness) {
            const std::size_t now = calls.of("recv", fd);
            most = std::max(most, now - before);
            before = now;
            if (sent < 1'000'000)
                sent += fill(flood.theirs);
            else
                ::shutdown(flood.theirs.get(), SHUT_WR);
        });
    scope.start(reader());
    run_until(loop, [&] { return scope.size() == 0; });
    CHECK_EQ(received, sent);
    CHECK_LE(most, 34); // two visits of a turn: the event, and what was put off
}

CONTRACT_CASE("writes that never wait let the others have their turn too", everywhere) {
    EventLoop loop{mode.backend};
    Scope scope{loop};
    Talk talk{loop, mode};
    bool stop = false;
    int written = 0;
    const auto writer = [&]() -> coro::Task<> {
        while (!stop) {
            co_await talk.ours.write(bytes_of("x"));
            drain(talk.theirs);
            ++written;
        }
    };
    loop.post([&] { stop = true; });
    scope.start(writer());
    settle(loop);
    CHECK_EQ(scope.size(), 0);
    CHECK_LE(written, 64);
}

TEST_CASE("a million awaits that are done at once do not grow the stack") {
    EventLoop loop;
    Scope scope{loop};
    Talk talk{loop, {Backend::epoll, Trigger::level}};
    StackDepth depth;
    const auto writer = [&]() -> coro::Task<> {
        for (int i = 0; i < 1'000'000; ++i) {
            co_await talk.ours.write({});
            depth.look();
        }
    };
    scope.start(writer());
    run_until(loop, [&] { return scope.size() == 0; });
    CHECK_LT(depth.range(), 16384); // begun by the test, gone on by the loop
}
