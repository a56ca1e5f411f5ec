// W13 and W14 (P13) of the catalogue: servers, connections, relays and signals on both sides of
// fork(2).

#include "support/child.hpp"
#include "support/contract.hpp"
#include "support/streams.hpp"

#include <algorithm>
#include <csignal>
#include <exception>
#include <optional>
#include <poll.h>
#include <pollux/signals.hpp>
#include <pollux/stream/relay.hpp>
#include <pollux/stream/server.hpp>
#include <string>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>
#include <vector>

using namespace pollux;
using namespace pollux_test;

namespace {

// A forked process that runs the loop until it is told to end.
class Fork {
public:
    explicit Fork(EventLoop& loop) {
        Ends ends = unix_pair();
        pid_ = ::fork();
        REQUIRE_GE(pid_, 0);
        if (pid_ == 0) {
            ends.ours.reset();
            serve(loop, ends.theirs);
        }
        line_ = std::move(ends.ours);
        await(line_, POLLIN); // it serves
    }
    ~Fork() {
        line_.reset();
        int status = 0;
        ::waitpid(pid_, &status, 0);
        CHECK_EQ(status, 0);
    }
    Fork(const Fork&) = delete;
    Fork& operator=(const Fork&) = delete;

    std::string name() const { return std::to_string(pid_); }

private:
    [[noreturn]] static void serve(EventLoop& loop, const Fd& line) {
        ::alarm(20);
        int exit_code = 1;
        try {
            loop.after_fork();
            const Watch watch = loop.watch(line.get(), Interest::read, Trigger::level,
                                           [&](Readiness) { loop.stop(); });
            loop.post([&] { put(line, "ready"); });
            loop.run();
            exit_code = 0;
        } catch (const std::exception&) {
        }
        ::_exit(exit_code);
    }

    pid_t pid_;
    Fd line_;
};

// Says which process answers.
ConnectionHandlers answers_with_name() {
    return {.on_data = [](Connection& connection, ByteView data) {
        connection.send(std::to_string(::getpid()));
        return data.size();
    }};
}

Fd asking_client(int port) {
    Fd client = tcp_client(port);
    put(client, "who");
    return client;
}

std::string answer_from(const Fd& client) {
    await(client, POLLIN);
    return take(client);
}

} // namespace

CONTRACT_CASE("W14 pre-fork: children serve on the inherited listener, and so does the parent",
              everywhere) {
    EventLoop loop{mode.backend};
    const Server server{loop,
                        Address::ipv4_loopback(0),
                        answers_with_name(),
                        {.connection = {.trigger = mode.trigger}}};
    const int port = server.address().port();
    const std::string ours = std::to_string(::getpid());
    {
        const Fork one{loop};
        const Fork other{loop};
        for (int i = 0; i < 20; ++i) { // this process does not run its loop
            const std::string name = answer_from(asking_client(port));
            CHECK((name == one.name() || name == other.name()));
        }
        std::vector<Fd> clients;
        for (int i = 0; i < 50; ++i) clients.push_back(asking_client(port));
        run_until(loop, [&] { // all three serve
            for (const Fd& client : clients)
                if ((state(client, POLLIN) & POLLIN) == 0) return false;
            return true;
        });
        for (const Fd& client : clients) {
            const std::string name = take(client);
            CHECK((name == one.name() || name == other.name() || name == ours));
        }
    }
    const Fd client = asking_client(port);
    run_until(loop, [&] { return (state(client, POLLIN) & POLLIN) != 0; });
    CHECK_EQ(take(client), ours);
}

CONTRACT_CASE("W14 pre-fork: the exclusive trigger is renewed too", with_every_trigger) {
    if (!mode.is(Trigger::level)) return;
    EventLoop loop{mode.backend};
    ConnectionSet set{loop, answers_with_name()};
    const Listener listener{loop,
                            Socket::listen(Address::ipv4_loopback(0)),
                            [&](Socket socket) { set.adopt(std::move(socket)); },
                            {.trigger = Trigger::exclusive}};
    const Fork one{loop};
    const int port = listener.address().port();
    for (int i = 0; i < 5; ++i) CHECK_EQ(answer_from(asking_client(port)), one.name());
}

CONTRACT_CASE("W13 W14 bug-A7 a child lets go of all it inherited: the parent has it all still",
              everywhere) {
    EventLoop loop{mode.backend};
    Seen seen;
    std::optional<Server> server{
        std::in_place, loop, Address::ipv4_loopback(0), note_and_echo(seen),
        ServerOptions{
            .connection = {.trigger = mode.trigger, .idle_timeout = std::chrono::hours{1}}}};
    std::optional<ConnectionSet> set{std::in_place, loop, note_and_echo(seen),
                                     ConnectionOptions{.trigger = mode.trigger}};
    const Adopted unix_connection = adopt_unix(*set);
    const Adopted tcp_connection = adopt_tcp(*set);
    Ends one = unix_pair();
    Ends other = unix_pair();
    bool relay_ended = false;
    std::optional<Relay> relay{std::in_place,
                               loop,
                               Socket::adopt(std::move(one.ours)),
                               Socket::adopt(std::move(other.ours)),
                               RelayOptions{.trigger = mode.trigger},
                               [&](const RelayResult&) { relay_ended = true; }};
    int signals = 0;
    std::optional<SignalWatch> watch{std::in_place, loop, std::initializer_list<int>{SIGUSR1},
                                     [&](int) { ++signals; }};
    const auto let_go = [&] {
        watch.reset();
        relay.reset();
        set.reset();
        server.reset();
    };
    holds_in_child([&](const Expect&) { let_go(); });
    holds_in_child([&](const Expect& expect) {
        loop.after_fork();
        settle(loop);
        ::raise(SIGUSR1);
        settle(loop);
        expect(signals == 1, "a signal of the child's own");
        set->for_each([](Connection& connection) { connection.abort(); });
        let_go();
        settle(loop);
    });
    CHECK_EQ(signals, 0);
    const Fd client = tcp_client(server->address().port());
    put(client, "a");
    put(unix_connection.theirs, "b");
    put(tcp_connection.theirs, "c");
    put(one.theirs, "d");
    ::raise(SIGUSR1);
    std::string echoed;
    run_until(loop, [&] {
        for (const Fd* fd : std::initializer_list<const Fd*>{&client, &unix_connection.theirs,
                                                             &tcp_connection.theirs, &other.theirs})
            echoed += drain(*fd);
        return echoed.size() == 4 && signals == 1;
    });
    std::ranges::sort(echoed);
    CHECK_EQ(echoed, "abcd");
    CHECK(seen.closed.empty());
    CHECK_FALSE(relay_ended);
}

CONTRACT_CASE("W14 a connection that the child goes on with", everywhere) {
    EventLoop loop{mode.backend};
    Seen seen;
    ConnectionSet set{loop, note_and_echo(seen), {.trigger = mode.trigger}};
    const Adopted one = adopt_unix(set);
    const Adopted queued = adopt_unix(set); // with output that waits
    const std::string much = pattern(std::size_t{1} << 19);
    CHECK(set.find(queued.id)->send(bytes_of(much)));
    {
        const Fork child{loop};
        put(one.theirs, "to the child");
        CHECK_EQ(answer_from(one.theirs), "to the child");
        std::string got;
        EventLoop idle;
        run_until(idle, [&] {
            got += drain(queued.theirs);
            return got.size() == much.size();
        });
        CHECK((got == much));
    }
    put(one.theirs, "to us");
    std::string got;
    run_until(loop, [&] {
        got += drain(one.theirs);
        return got == "to us";
    });
    CHECK_EQ(seen.data, "to us");
}
