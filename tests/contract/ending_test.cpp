// The last words of a connection, a listener, a server and a watch of signals: what must not be
// lost, doubled or left behind at the end.

#include "support/contract.hpp"
#include "support/failing_memory.hpp"
#include "support/streams.hpp"

#include <poll.h>
#include <pollux/instruments/call_hook.hpp>
#include <pollux/signals.hpp>
#include <pollux/stream/server.hpp>
#include <stdexcept>
#include <sys/socket.h>

using namespace pollux;
using namespace pollux_test;

CONTRACT_CASE("the last message, taken whole and answered with the end, is not over the limit",
              everywhere) {
    EventLoop loop{mode.backend};
    Seen seen;
    ConnectionHandlers handlers = note(seen);
    handlers.on_data = [](Connection& connection, ByteView data) -> std::size_t {
        if (data.size() < 1400) return 0;
        connection.send("bye");
        connection.close();
        return data.size();
    };
    ConnectionSet set{loop, std::move(handlers), {.trigger = mode.trigger, .input_limit = 1000}};
    const Adopted one = adopt_unix(set);
    put(one.theirs, std::string(600, 'a'));
    settle(loop);
    put(one.theirs, std::string(800, 'b'));
    settle(loop);
    CHECK_EQ(drain(one.theirs), "bye");
}

CONTRACT_CASE("without memory in the middle of sending, nothing is sent twice", everywhere) {
    const std::string first = pattern(60'000);
    const std::string second = pattern(8'000, 2);
    for (int nth = 1; nth <= 8; ++nth) {
        EventLoop loop{mode.backend};
        Seen seen;
        ConnectionHandlers handlers = note(seen);
        handlers.on_data = [&](Connection& connection, ByteView data) {
            const FailingMemory failing{nth};
            connection.send(first);
            connection.send(second); // over 64 KiB: what was gathered leaves at once
            return data.size();
        };
        ConnectionSet set{loop, std::move(handlers), {.trigger = mode.trigger}};
        const Adopted one = adopt_unix(set);
        set.find(one.id)->socket().set(option::send_buffer, 4096);
        put(one.theirs, "go");
        std::string got;
        for (int turns = 0; turns < 100; ++turns) {
            loop.run_once(Timeout::zero());
            got += drain(one.theirs);
        }
        INFO("allocation ", nth);
        CHECK(got == (first + second).substr(0, got.size()));
        CHECK((got.size() == first.size() + second.size() || seen.closed.size() == 1));
    }
}

CONTRACT_CASE("closed while it connects: what was sent is delivered first", everywhere) {
    EventLoop loop{mode.backend};
    Seen seen;
    const Fd listener = tcp_listener();
    ConnectionSet set{loop, note(seen), {.trigger = mode.trigger}};
    const auto port = static_cast<std::uint16_t>(port_of(listener));
    Connection& connection = *set.find(set.connect(Address::ipv4_loopback(port)));
    CHECK(connection.send("hello"));
    connection.close();
    CHECK_FALSE(connection.send("too late"));
    run_until(loop, [&] { return (state(listener, POLLIN) & POLLIN) != 0; });
    const Fd theirs{::accept(listener.get(), nullptr, nullptr)};
    run_until(loop, [&] { return (state(theirs, POLLRDHUP) & POLLRDHUP) != 0; });
    CHECK_EQ(take(theirs), "hello");
}

CONTRACT_CASE("for_each visits whom there is now, and nobody who comes meanwhile", on_level) {
    EventLoop loop{mode.backend};
    Seen seen;
    ConnectionSet set{loop, note(seen), {.trigger = mode.trigger}};
    const Adopted one = adopt_unix(set);
    std::vector<Adopted> others;
    set.for_each([&](Connection&) { others.push_back(adopt_unix(set)); });
    CHECK_EQ(others.size(), 1);
}

CONTRACT_CASE("a deadline set again and again does not put off the idle timeout", everywhere) {
    FakeClock clock;
    EventLoop loop{mode.backend};
    Seen seen;
    using namespace std::chrono_literals;
    ConnectionSet set{loop, note(seen), {.trigger = mode.trigger, .idle_timeout = 50ms}};
    const Adopted one = adopt_unix(set);
    for (int i = 0; i < 3 && set.find(one.id) != nullptr; ++i) {
        set.find(one.id)->set_deadline(Clock::now() + 1h);
        clock.advance(20ms);
        settle(loop);
    }
    CHECK(closed_once(seen, CloseReason::idle));
}

CONTRACT_CASE("options that cannot work are refused at once", on_level) {
    EventLoop loop{mode.backend};
    CHECK_THROWS_AS(ConnectionSet(loop, {}, {.reads_per_visit = 0}), std::invalid_argument);
    CHECK_THROWS_AS(ConnectionSet(loop, {}, {.read_size = 0}), std::invalid_argument);
    CHECK_THROWS_AS(ConnectionSet(loop, {}, {.read_size = 65537}), std::invalid_argument);
    CHECK_THROWS_AS(ConnectionSet(loop, {}, {.trigger = Trigger::exclusive}),
                    std::invalid_argument);
    if (!loop.supports(Trigger::edge)) {
        CHECK_THROWS_AS(ConnectionSet(loop, {}, {.trigger = Trigger::edge}), std::system_error);
    }
}

CONTRACT_CASE("a listener that another is moved onto listens no more", everywhere) {
    EventLoop loop{mode.backend};
    int former = 0;
    int latter = 0;
    const auto listener = [&](int& accepted) {
        return Listener{loop,
                        Socket::listen(Address::ipv4_loopback(0)),
                        [&](Socket) { ++accepted; },
                        {.trigger = mode.trigger}};
    };
    Listener one = listener(former);
    Listener other = listener(latter);
    const int port = one.address().port();
    one = std::move(other);
    CHECK_THROWS_AS(tcp_client(port), std::system_error);
    const Fd client = tcp_client(one.address().port());
    run_until(loop, [&] { return latter == 1; });
    CHECK_EQ(former, 0);
}

CONTRACT_CASE("S17 a server drains although on_close throws, and without a task too", everywhere) {
    FakeClock clock;
    EventLoop loop{mode.backend};
    ConnectionHandlers handlers;
    handlers.on_close = [](Connection&, const Closed&) { throw std::runtime_error{"on_close"}; };
    Server server{loop,
                  Address::ipv4_loopback(0),
                  std::move(handlers),
                  {.connection = {.trigger = mode.trigger}}};
    std::vector<Fd> clients;
    for (int i = 0; i < 3; ++i) clients.push_back(tcp_client(server.address().port()));
    run_until(loop, [&] { return server.connections().size() == 3; });
    bool with_task = false;
    server.drain(std::chrono::milliseconds{50}, [&] { with_task = true; });
    clock.advance(std::chrono::milliseconds{50});
    for (int turns = 0; turns < 10 && !with_task; ++turns) {
        try {
            loop.run_once(Timeout::zero());
        } catch (const std::runtime_error&) { // of on_close: the rest follows
        }
    }
    CHECK(with_task);
    CHECK_EQ(server.connections().size(), 0);
    server.drain(std::chrono::milliseconds{50}, {});
    settle(loop);
}

CONTRACT_CASE("W11 two watches of signals may go in either order", on_level) {
    EventLoop loop{mode.backend};
    sigset_t before{};
    ::pthread_sigmask(SIG_SETMASK, nullptr, &before);
    int seen = 0;
    auto first =
        std::make_unique<SignalWatch>(loop, std::initializer_list<int>{SIGUSR1}, [](int) {});
    auto second = std::make_unique<SignalWatch>(loop, std::initializer_list<int>{SIGUSR2},
                                                [&](int signal) { seen = signal; });
    first.reset();
    ::raise(SIGUSR2); // would end the program if it were not blocked any more
    run_until(loop, [&] { return seen == SIGUSR2; });
    ::raise(SIGUSR2); // pending when its watch goes: dropped
    second.reset();
    sigset_t after{};
    ::pthread_sigmask(SIG_SETMASK, nullptr, &after);
    for (const int signal : {SIGUSR1, SIGUSR2})
        CHECK_EQ(sigismember(&after, signal), sigismember(&before, signal));
    CHECK_THROWS_AS(SignalWatch(loop, {0}, [](int) {}), std::system_error);
}

CONTRACT_CASE("E11 however a handler is left, its connection is called again or closed",
              everywhere) {
    EventLoop loop{mode.backend};
    Seen seen;
    int calls = 0;
    ConnectionHandlers handlers = note(seen);
    handlers.on_data = [&](Connection& connection, ByteView data) -> std::size_t {
        switch (++calls) {
        case 1: // leaves what came
            return 0;
        case 2: // stops and goes on
            connection.pause_reading();
            connection.resume_reading();
            return data.size();
        case 3: // answers
            connection.send("answer");
            return data.size();
        default:
            throw std::runtime_error{"handler"};
        }
    };
    handlers.on_error = [](const std::exception_ptr&) {};
    ConnectionSet set{loop, std::move(handlers), {.trigger = mode.trigger}};
    const Adopted one = adopt_unix(set);
    for (int message = 1; message <= 4; ++message) {
        put(one.theirs, "x");
        settle(loop);
        CHECK_EQ(calls, message);
    }
    CHECK(closed_once(seen, CloseReason::exception));
}
