// Connection::send_file: a part of a file, in order with the bytes around it, and nothing of it
// left behind.

#include "support/calls.hpp"
#include "support/contract.hpp"
#include "support/descriptor_ledger.hpp"
#include "support/failing_memory.hpp"
#include "support/streams.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <functional>
#include <optional>
#include <poll.h>
#include <random>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

using namespace pollux;
using namespace pollux_test;

namespace {

Fd file_of(std::string_view text) {
    Fd file{::memfd_create("file", MFD_CLOEXEC)};
    REQUIRE_EQ(::write(file.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
    return file;
}
// Zeros that take no memory.
Fd sparse_file(off_t size) {
    Fd file{::memfd_create("file", MFD_CLOEXEC)};
    REQUIRE_EQ(::ftruncate(file.get(), size), 0);
    return file;
}

struct Case {
    explicit Case(const Mode& mode, ConnectionOptions options = {},
                  const std::function<void(ConnectionHandlers&)>& change = {})
        : loop{mode.backend} {
        options.trigger = mode.trigger;
        ConnectionHandlers handlers = note(seen);
        if (change) change(handlers);
        set.emplace(loop, std::move(handlers), options);
        one = adopt_tcp(*set);
    }
    Connection& connection() { return *set->find(one.id); }
    std::string read_to_the_end() {
        std::string got;
        run_until(loop, [&] {
            got += drain(one.theirs);
            return at_end(one.theirs);
        });
        return got;
    }

    Seen seen;
    EventLoop loop;
    std::optional<ConnectionSet> set;
    Adopted one;
};

} // namespace

CONTRACT_CASE("ranges of files arrive in order with what is sent around them", everywhere) {
    const std::string text = pattern(1'000'000);
    for (const bool tcp : {true, false}) {
        Case c{mode};
        if (!tcp) c.one = adopt_unix(*c.set);
        CHECK(c.connection().send("before "));
        CHECK(c.connection().send_file(file_of(text), 0, text.size()));
        CHECK(c.connection().send(" between "));
        CHECK(c.connection().send_file(file_of(text), 500'000, 300'000));
        CHECK(c.connection().send_file(file_of(text), 1, 2));
        CHECK(c.connection().send(" after"));
        c.connection().end();
        const std::string expected = "before " + text + " between " +
                                     text.substr(500'000, 300'000) + text.substr(1, 2) + " after";
        CHECK(c.read_to_the_end() == expected);
        CHECK_EQ(c.set->stats().sent, expected.size());
        CHECK_EQ(c.connection().queued(), 0);
    }
}

CONTRACT_CASE("files sent by handlers, many for one read, each behind its header", everywhere) {
    const std::string text = pattern(100'000);
    Case c{mode, {}, [&](ConnectionHandlers& handlers) {
               handlers.on_data = [&](Connection& connection, ByteView data) {
                   for (std::size_t i = 0; i < data.size(); ++i) {
                       CHECK(connection.send("header"));
                       CHECK(connection.send_file(file_of(text), 0, text.size()));
                   }
                   connection.send(std::string(70'000, '-')); // more than is gathered
                   return data.size();
               };
               handlers.on_end = [](Connection& connection) { connection.close(); };
           }};
    put(c.one.theirs, "12345");
    std::string expected;
    for (int i = 0; i < 5; ++i) expected += "header" + text;
    expected += std::string(70'000, '-');
    std::string got;
    run_until(c.loop, [&] {
        got += drain(c.one.theirs);
        return got.size() >= expected.size();
    });
    put(c.one.theirs, "6"); // reading goes on
    ::shutdown(c.one.theirs.get(), SHUT_WR);
    got += c.read_to_the_end();
    CHECK(got == expected + "header" + text + std::string(70'000, '-'));
}

CONTRACT_CASE("a file in a handler and far more bytes than the mark behind it: no stall",
              everywhere) {
    int left = 3;
    const auto answer = [&](Connection& connection) {
        if (left-- == 0) return connection.close();
        CHECK(connection.send_file(file_of("file"), 0, 4));
        CHECK(connection.send(std::string(100'000, 'x')));
    };
    Case c{mode, {.high_water = 10, .low_water = 0}, [&](ConnectionHandlers& handlers) {
               handlers.on_data = [&](Connection& connection, ByteView data) {
                   answer(connection);
                   return data.size();
               };
               handlers.on_drain = answer;
           }};
    put(c.one.theirs, "go");
    const std::string each = "file" + std::string(100'000, 'x');
    CHECK(c.read_to_the_end() == each + each + each);
}

CONTRACT_CASE("P10 a long file is sent in turns with its neighbours", everywhere) {
    for (const bool by_handler : {false, true}) {
        constexpr std::size_t size = 8'000'000;
        const auto answer = [](Connection& connection) {
            for (int i = 0; i < 4; ++i) connection.send_file(sparse_file(size), 0, size / 4);
        };
        Case c{mode, {}, [&](ConnectionHandlers& handlers) {
                   handlers.on_data = [&](Connection& connection, ByteView data) {
                       answer(connection);
                       return data.size();
                   };
               }};
        c.connection().socket().set(option::send_buffer, 4'000'000);
        const Ends neighbour = unix_pair();
        put(neighbour.theirs, "x"); // never read
        std::uint64_t most = 0;
        std::uint64_t before = 0;
        std::size_t got = 0;
        const Watch watch =
            c.loop.watch(neighbour.ours.get(), Interest::read, Trigger::level, [&](Readiness) {
                most = std::max(most, c.set->stats().sent - before);
                before = c.set->stats().sent;
                got += drain(c.one.theirs).size();
            });
        by_handler ? put(c.one.theirs, "go") : answer(c.connection());
        run_until(c.loop, [&] { return got == size; });
        CHECK_LE(most, 2 * 262'144);
    }
}

CONTRACT_CASE("while a file waits nothing is read, and no limit counts it", everywhere) {
    constexpr std::size_t size = 20'000'000;
    Case c{mode, {.high_water = 2'000, .low_water = 1'000, .output_limit = 10'000}};
    CHECK(c.connection().send_file(sparse_file(size), 0, size));
    CHECK(c.connection().send("after"));
    put(c.one.theirs, "unread");
    std::size_t got = 0;
    run_until(c.loop, [&] { // some has arrived, and the rest waits for the peer
        settle(c.loop);
        got += take(c.one.theirs, 1).size();
        return got > 0;
    });
    settle(c.loop); // and does not spin
    CHECK_EQ(c.seen.data, "");
    CHECK_EQ(c.connection().queued(), size + 5 - c.set->stats().sent);
    CHECK_GT(c.connection().queued(), 0);
    CHECK_EQ(c.seen.drained, 0);
    run_until(c.loop, [&] {
        got += drain(c.one.theirs).size();
        return got == size + 5;
    });
    run_until(c.loop, [&] { return c.seen.data == "unread"; });
    CHECK_EQ(c.seen.drained, 1);
    CHECK(c.seen.closed.empty());
}

CONTRACT_CASE("on_drain follows each file that a handler sends, however soon it is gone",
              everywhere) {
    int left = 100;
    const auto next = [&](Connection& connection) {
        if (left-- == 0) return connection.close();
        CHECK(connection.send_file(file_of("file"), 0, 4));
        CHECK_EQ(connection.queued(), 4);
    };
    Case c{mode, {}, [&](ConnectionHandlers& handlers) {
               handlers.on_data = [&](Connection& connection, ByteView data) {
                   next(connection);
                   return data.size();
               };
               handlers.on_drain = next;
           }};
    put(c.one.theirs, "go");
    CHECK_EQ(c.read_to_the_end().size(), 400);
}

CONTRACT_CASE("close and end deliver all of a file first, also one sent while it connects",
              everywhere) {
    const std::string text = pattern(3'000'000);
    for (const bool closes : {true, false}) {
        Case c{mode};
        c.connection().send_file(file_of(text), 0, text.size());
        closes ? c.connection().close() : c.connection().end();
        CHECK_FALSE(c.connection().send_file(file_of(text), 0, 1));
        CHECK(c.read_to_the_end() == text);
    }
    Case c{mode};
    const Fd listener = tcp_listener();
    const auto port = static_cast<std::uint16_t>(port_of(listener));
    Connection& connection = *c.set->find(c.set->connect(Address::ipv4_loopback(port)));
    CHECK(connection.send("head "));
    CHECK(connection.send_file(file_of(text), 0, text.size()));
    CHECK_EQ(connection.queued(), 5 + text.size());
    connection.close();
    run_until(c.loop, [&] { return (state(listener, POLLIN) & POLLIN) != 0; });
    c.one.theirs = Fd{::accept4(listener.get(), nullptr, nullptr, SOCK_NONBLOCK)};
    CHECK(c.read_to_the_end() == "head " + text);
}

CONTRACT_CASE("a file that is shorter than was said closes the connection", everywhere) {
    Case c{mode};
    c.connection().send_file(file_of("short"), 0, 6); // noticed at once, or in the next turn
    CHECK_EQ(c.read_to_the_end(), "short");
    CHECK(closed_once(c.seen, CloseReason::error, ENODATA));

    constexpr off_t size = 10'000'000;
    Case shrinks{mode};
    Fd file = sparse_file(size);
    const Fd same{::dup(file.get())};
    CHECK(shrinks.connection().send_file(std::move(file), 0, size));
    REQUIRE_EQ(::ftruncate(same.get(), 1000), 0);
    CHECK_LT(shrinks.read_to_the_end().size(), size);
    CHECK(closed_once(shrinks.seen, CloseReason::error, ENODATA));
}

CONTRACT_CASE("what sendfile does not take closes the connection and says why", everywhere) {
    Ends pipe = pipe_ends();
    Case c{mode};
    CHECK_FALSE(c.connection().send_file(std::move(pipe.ours), 0, 1));
    CHECK(closed_once(c.seen, CloseReason::error, ESPIPE));
    Case none{mode};
    CHECK_FALSE(none.connection().send_file(Fd{}, 0, 1));
    CHECK(closed_once(none.seen, CloseReason::error, EBADF));
}

CONTRACT_CASE("the file is closed as soon as it is not needed, whatever happens", everywhere) {
    constexpr std::size_t size = 10'000'000;
    const auto end_by = [&](const std::function<void(Case&)>& act) {
        Case c{mode};
        const int before = open_descriptors();
        CHECK(c.connection().send_file(sparse_file(size), 0, size));
        CHECK_EQ(open_descriptors(), before + 1);
        act(c);
        CHECK_LE(open_descriptors(), before);
    };
    end_by([](Case& c) { c.connection().abort(); });
    end_by([](Case& c) { c.connection().send(pattern(20'000'000)); }); // the limit
    end_by([](Case& c) { c.set.reset(); });
    end_by([](Case& c) {
        reset(c.one.theirs);
        run_until(c.loop, [&] { return !c.seen.closed.empty(); });
    });
    end_by([](Case& c) {
        std::size_t got = 0;
        run_until(c.loop, [&] { return (got += drain(c.one.theirs).size()) == size; });
    });
    Case c{mode};
    const int before = open_descriptors();
    CHECK(c.connection().send_file(file_of("none of it"), 5, 0));
    CHECK_EQ(open_descriptors(), before);
    CHECK_EQ(c.connection().queued(), 0);
    c.connection().abort();
}

CONTRACT_CASE("S2 S16 a file through short, interrupted and refused calls", everywhere) {
    const FakeClock clock;
    const std::string text = pattern(500'000);
    Case c{mode};
    std::mt19937 random{44};
    const Calls calls{[&](const CallPoint& call) {
        CallOutcome outcome;
        if (call.name != "sendfile") return outcome;
        outcome.at_most = 1 + random() % 10'000;
        if (call.nth % 5 == 1) outcome.error = EINTR;
        if (call.nth % 5 == 2) outcome.error = ENOBUFS;
        // A lie at edge: what would not block is not told again.
        if (call.nth % 5 == 3 && !mode.is(Trigger::edge)) outcome.error = EAGAIN;
        return outcome;
    }};
    CHECK(c.connection().send_file(file_of(text), 0, text.size()));
    c.connection().send("after");
    c.connection().end();
    CHECK(c.read_to_the_end() == text + "after");
}

CONTRACT_CASE("a peer that is gone makes an error and no SIGPIPE", everywhere) {
    Case c{mode};
    c.one = adopt_unix(*c.set);
    c.one.theirs.reset();
    const auto former = std::signal(SIGPIPE, SIG_DFL);
    CHECK_FALSE(c.connection().send_file(file_of("text"), 0, 4));
    std::signal(SIGPIPE, former);
    CHECK(closed_once(c.seen, CloseReason::error, EPIPE));
    sigset_t set;
    REQUIRE_EQ(::sigpending(&set), 0);
    CHECK_EQ(::sigismember(&set, SIGPIPE), 0);
    REQUIRE_EQ(::pthread_sigmask(SIG_BLOCK, nullptr, &set), 0);
    CHECK_EQ(::sigismember(&set, SIGPIPE), 0);
}

CONTRACT_CASE("without memory for a file the connection ends, and nothing is sent twice",
              everywhere) {
    for (int nth = 1; nth <= 4; ++nth) {
        Case c{mode, {}, [&](ConnectionHandlers& handlers) {
                   handlers.on_data = [&](Connection& connection, ByteView data) {
                       const FailingMemory failing{nth};
                       connection.send("head");
                       connection.send_file(file_of("file"), 0, 4);
                       connection.send("tail");
                       return data.size();
                   };
               }};
        put(c.one.theirs, "go");
        std::string got;
        run_until(c.loop, [&] {
            got += drain(c.one.theirs);
            return got.size() == 12 || at_end(c.one.theirs);
        });
        INFO("allocation ", nth);
        CHECK_EQ(got, std::string{"headfiletail"}.substr(0, got.size()));
    }
}
