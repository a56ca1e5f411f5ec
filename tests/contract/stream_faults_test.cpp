// S2 and S16 of the catalogue: the kernel moves less than asked for, is interrupted, has no memory,
// or refuses to watch. Each ends in the correct result or in exactly one reported error.

#include "support/calls.hpp"
#include "support/contract.hpp"
#include "support/failing_memory.hpp"
#include "support/streams.hpp"
#include "support/wake_up_budget.hpp"

#include <cerrno>
#include <memory>
#include <numeric>
#include <poll.h>
#include <random>
#include <stdexcept>
#include <sys/socket.h>
#include <vector>

using namespace pollux;
using namespace pollux_test;

namespace {

CallOutcome fail(int error) { return {.error = error, .result = {}, .at_most = {}}; }

// Sends a text through an echo and gives back what returns, under a rule for the calls.
std::string echo_of(const Mode& mode, const std::string& text, const Calls::Rule& rule) {
    EventLoop loop{mode.backend};
    Seen seen;
    ConnectionSet set{loop, note_and_echo(seen), {.trigger = mode.trigger}};
    const Adopted one = adopt_unix(set);
    std::size_t sent = 0;
    std::string back;
    const Calls calls{rule};
    run_until(loop, [&] {
        const ssize_t count = ::send(one.theirs.get(), text.data() + sent, text.size() - sent,
                                     MSG_DONTWAIT | MSG_NOSIGNAL);
        if (count > 0) sent += static_cast<std::size_t>(count);
        if (sent == text.size()) ::shutdown(one.theirs.get(), SHUT_WR);
        back += drain(one.theirs);
        return at_end(one.theirs);
    });
    run_until(loop, [&] { return !seen.closed.empty(); });
    CHECK(closed_once(seen, CloseReason::peer));
    return back;
}

bool is_transfer(const CallPoint& call) { return call.name == "recv" || call.name == "send"; }

// Connections, and the count of what was called for them.
struct Ledger {
    explicit Ledger(const Mode& mode, Trigger trigger) : loop{mode.backend} {
        set = std::make_unique<ConnectionSet>(
            loop,
            ConnectionHandlers{.on_data =
                                   [](Connection& connection, ByteView data) {
                                       connection.send(data);
                                       return data.size();
                                   },
                               .on_close = [this](Connection&, const Closed&) { ++closed; }},
            ConnectionOptions{.trigger = trigger, .high_water = 1000, .low_water = 10});
    }

    int closed = 0;
    EventLoop loop;
    std::unique_ptr<ConnectionSet> set;
};

} // namespace

CONTRACT_CASE("S2 1 MB intact through short reads and writes of random sizes", everywhere) {
    const std::string text = pattern(1'000'000);
    std::mt19937 random{42};
    const std::string back = echo_of(mode, text, [&](const CallPoint& call) {
        CallOutcome outcome;
        // At edge a short read proves that nothing more was there (epoll(7), question 9).
        if (call.name == "send" || (call.name == "recv" && !mode.is(Trigger::edge)))
            outcome.at_most = 1 + random() % 5000;
        return outcome;
    });
    CHECK(back == text);
}

CONTRACT_CASE("P8 S16 … through interruptions of every other call", everywhere) {
    const std::string text = pattern(300'000);
    const std::string back = echo_of(mode, text, [&](const CallPoint& call) {
        return (is_transfer(call) || is_wait(call.name)) && call.nth % 2 == 1 ? fail(EINTR)
                                                                              : CallOutcome{};
    });
    CHECK(back == text);
}

CONTRACT_CASE("S16 … and while the kernel would block at random", everywhere) {
    if (mode.is(Trigger::edge)) return; // a lie at edge: what would not block is not told again
    const std::string text = pattern(300'000);
    std::mt19937 random{43};
    const std::string back = echo_of(mode, text, [&](const CallPoint& call) {
        CallOutcome outcome;
        if (is_transfer(call)) outcome.at_most = 1 + random() % 50'000;
        if (is_transfer(call) && random() % 3 == 0) outcome.error = EAGAIN;
        return outcome;
    });
    CHECK(back == text);
}

CONTRACT_CASE("S16 … and while there is no memory for output, again and again", everywhere) {
    const FakeClock clock;
    const std::string text = pattern(300'000);
    const std::string back = echo_of(mode, text, [](const CallPoint& call) {
        return call.name == "send" && call.nth % 3 != 0 ? fail(ENOBUFS) : CallOutcome{};
    });
    CHECK(back == text);
}

CONTRACT_CASE("S16 no memory for output: nothing spins, a try every ten milliseconds", everywhere) {
    const FakeClock clock;
    EventLoop loop{mode.backend};
    Seen seen;
    ConnectionSet set{loop, note(seen), {.trigger = mode.trigger}};
    const Adopted one = adopt_unix(set);
    bool exhausted = true;
    const Calls calls{[&](const CallPoint& call) {
        return call.name == "send" && exhausted ? fail(ENOBUFS) : CallOutcome{};
    }};
    CHECK(set.find(one.id)->send("patience "));
    CHECK(set.find(one.id)->send("pays"));
    const auto start = Clock::now();
    while (Clock::now() - start < std::chrono::seconds{1}) loop.run_once();
    CHECK_LE(calls.waits(), 101);
    CHECK_GE(calls.of("send"), 50);
    CHECK_LE(calls.of("send"), 102);
    exhausted = false;
    run_until(loop, [&] { return set.find(one.id)->queued() == 0; });
    CHECK_EQ(drain(one.theirs), "patience pays");
}

CONTRACT_CASE("S16 … closed meanwhile: delivered, then the end", everywhere) {
    const FakeClock clock;
    EventLoop loop{mode.backend};
    Seen seen;
    ConnectionSet set{loop, note(seen), {.trigger = mode.trigger}};
    const Adopted one = adopt_unix(set);
    const Calls calls{[&](const CallPoint& call) {
        return call.name == "send" && call.nth < 5 ? fail(ENOBUFS) : CallOutcome{};
    }};
    CHECK(set.find(one.id)->send("bye"));
    set.find(one.id)->close();
    std::string got;
    run_until(loop, [&] {
        got += drain(one.theirs);
        return at_end(one.theirs);
    });
    CHECK_EQ(got, "bye");
}

CONTRACT_CASE("S16 … a handler throws when memory is back: the others are not forgotten",
              everywhere) {
    const FakeClock clock;
    EventLoop loop{mode.backend};
    Seen seen;
    ConnectionHandlers handlers = note(seen);
    handlers.on_drain = [](Connection&) { throw std::runtime_error{"on_drain"}; };
    ConnectionSet set{
        loop, std::move(handlers), {.trigger = mode.trigger, .high_water = 3, .low_water = 1}};
    std::vector<Adopted> all;
    all.reserve(5);
    for (int i = 0; i < 5; ++i) all.push_back(adopt_unix(set));
    bool exhausted = true;
    const Calls calls{[&](const CallPoint& call) {
        return call.name == "send" && exhausted ? fail(ENOBUFS) : CallOutcome{};
    }};
    for (std::size_t i = 0; i < all.size(); ++i)
        CHECK(set.find(all[i].id)->send(i % 2 == 1 ? "over the mark" : "ok"));
    exhausted = false;
    int thrown = 0;
    const auto start = Clock::now();
    while (Clock::now() - start < std::chrono::seconds{1}) {
        try {
            loop.run_once(std::chrono::milliseconds{10});
        } catch (const std::runtime_error&) {
            ++thrown;
        }
    }
    CHECK_EQ(thrown, 2);
    for (std::size_t i = 0; i < all.size(); i += 2) CHECK_EQ(drain(all[i].theirs), "ok");
}

CONTRACT_CASE("S6 any error of a read or a write closes once, and names it", everywhere) {
    for (const char* name : {"recv", "send"}) {
        for (const int error : {ECONNRESET, EPIPE, ETIMEDOUT, EHOSTUNREACH, ENOMEM}) {
            INFO(name, " fails with ", error);
            EventLoop loop{mode.backend};
            Seen seen;
            ConnectionSet set{loop, note_and_echo(seen), {.trigger = mode.trigger}};
            const Adopted one = adopt_unix(set);
            put(one.theirs, "x");
            const Calls calls{[&](const CallPoint& call) {
                return call.name == name ? fail(error) : CallOutcome{};
            }};
            settle(loop);
            CHECK(closed_once(seen, CloseReason::error, error));
            CHECK_EQ(set.size(), 0);
        }
    }
}

CONTRACT_CASE("the kernel refuses to watch for room: that connection ends with the error",
              on_epoll) {
    EventLoop loop{mode.backend};
    Seen seen;
    ConnectionSet set{loop, note(seen), {.trigger = mode.trigger}};
    const Adopted one = adopt_unix(set);
    {
        const Calls calls{[](const CallPoint& call) {
            return call.name == "epoll_ctl" && call.nth == 1 ? fail(ENOMEM) : CallOutcome{};
        }};
        CHECK_FALSE(set.find(one.id)->send(pattern(1'000'000)));
    }
    CHECK(closed_once(seen, CloseReason::error, ENOMEM));
    settle(loop);
}

CONTRACT_CASE("… or to watch again what was paused", on_epoll) {
    EventLoop loop{mode.backend};
    Seen seen;
    ConnectionSet set{loop, note(seen), {.trigger = mode.trigger}};
    const Adopted one = adopt_unix(set);
    set.find(one.id)->pause_reading();
    {
        const Calls calls{[](const CallPoint& call) {
            return call.name == "epoll_ctl" ? fail(ENOSPC) : CallOutcome{};
        }};
        set.find(one.id)->resume_reading();
    }
    CHECK(closed_once(seen, CloseReason::error, ENOSPC));
}

CONTRACT_CASE("X4 no memory for the second piece that a handler sends: closed once, nothing is due",
              everywhere) {
    FakeClock clock;
    EventLoop loop{mode.backend};
    Seen seen;
    ConnectionHandlers handlers = note(seen);
    handlers.on_data = [](Connection& connection, ByteView data) {
        CHECK(connection.send("first"));
        const std::string second = pattern(60'000);
        const FailingMemory none{1};
        CHECK_FALSE(connection.send(second));
        return data.size();
    };
    ConnectionSet set{loop, std::move(handlers), {.trigger = mode.trigger}};
    const Adopted one = adopt_unix(set);
    put(one.theirs, "x");
    settle(loop);
    CHECK(closed_once(seen, CloseReason::error, ENOMEM));
    clock.advance(std::chrono::hours{1});
    settle(loop);
    CHECK_EQ(loop.time_to_wait(), forever);
    CHECK_EQ(drain(one.theirs), "");
}

CONTRACT_CASE("X1 the k-th call of a kind fails, for each k: every connection is closed once",
              everywhere) {
    for (const char* name : {"recv", "send", "shutdown"}) {
        for (std::uint64_t k = 1, reached = 1; reached != 0; ++k) {
            reached = 0;
            INFO(name, " number ", k);
            Ledger ledger{mode, mode.trigger};
            std::vector<Adopted> all;
            all.reserve(3);
            for (int i = 0; i < 3; ++i) all.push_back(adopt_unix(*ledger.set));
            const Calls calls{[&](const CallPoint& call) {
                if (call.name != name || call.nth != k) return CallOutcome{};
                reached = k;
                return fail(ECONNRESET);
            }};
            for (const Adopted& each : all) {
                static_cast<void>(fill(each.theirs));
                settle(ledger.loop);
            }
            for (int round = 0; round < 20; ++round) {
                for (const Adopted& each : all) drain(each.theirs);
                settle(ledger.loop);
            }
            for (const Adopted& each : all) ::shutdown(each.theirs.get(), SHUT_WR);
            settle(ledger.loop);
            all.clear();
            settle(ledger.loop);
            ledger.set->for_each([](Connection& connection) { connection.abort(); });
            const auto& closed = ledger.set->stats().closed;
            CHECK_EQ(std::accumulate(closed.begin(), closed.end(), std::uint64_t{0}), 3);
            CHECK_EQ(ledger.closed, 3);
            if (k > 60) break;
        }
    }
}

CONTRACT_CASE("P1 the ledger: opened and closed agree, by reason, after a random life",
              everywhere) {
    std::mt19937 random{mode.is(Trigger::edge) ? 7U : 8U};
    Ledger ledger{mode, mode.trigger};
    std::vector<Adopted> peers;
    for (int step = 0; step < 3000; ++step) {
        const std::size_t which = peers.empty() ? 0 : random() % peers.size();
        Connection* const connection = peers.empty() ? nullptr : ledger.set->find(peers[which].id);
        switch (random() % 12) {
        case 0:
        case 1:
            if (peers.size() < 20) peers.push_back(adopt_unix(*ledger.set));
            break;
        case 2:
        case 3:
            if (!peers.empty() && state(peers[which].theirs, POLLOUT) == POLLOUT)
                static_cast<void>(
                    ::send(peers[which].theirs.get(), "payload", 7, MSG_NOSIGNAL | MSG_DONTWAIT));
            break;
        case 4:
            if (!peers.empty()) drain(peers[which].theirs);
            break;
        case 5:
            if (!peers.empty()) ::shutdown(peers[which].theirs.get(), SHUT_WR);
            break;
        case 6:
            if (!peers.empty()) peers.erase(peers.begin() + static_cast<std::ptrdiff_t>(which));
            break;
        case 7:
            if (connection != nullptr) connection->send(std::string(random() % 400'000, 'r'));
            break;
        case 8:
            if (connection != nullptr) connection->pause_reading();
            break;
        case 9:
            if (connection != nullptr) connection->resume_reading();
            break;
        case 10:
            if (connection != nullptr && random() % 4 == 0) connection->close();
            if (connection != nullptr && random() % 8 == 0) connection->end();
            break;
        default:
            if (connection != nullptr && random() % 8 == 0) connection->abort();
            break;
        }
        if (random() % 2 == 0) settle(ledger.loop);
    }
    const ConnectionStats before = ledger.set->stats();
    const auto ended =
        std::accumulate(before.closed.begin(), before.closed.end(), std::uint64_t{0});
    CHECK_EQ(before.opened, ended + ledger.set->size());
    const std::size_t left = ledger.set->size();
    ledger.set.reset();
    CHECK_EQ(static_cast<std::uint64_t>(ledger.closed), ended + left);
    CHECK_EQ(static_cast<std::uint64_t>(ledger.closed), before.opened);
    settle(ledger.loop);
}
