// The system calls of whole requests and whole connections, to the last one: what the kernel
// demands, and no more.

#include "support/calls.hpp"
#include "support/contract.hpp"
#include "support/streams.hpp"

#include <pollux/stream/framing.hpp>
#include <pollux/stream/server.hpp>
#include <sys/socket.h>
#include <vector>

using namespace pollux;
using namespace pollux_test;

namespace {

const std::string request(64, 'r');

// Requests of 64 bytes, answered one by one, over connections that are all ready at once.
struct Crowd {
    Crowd(const Mode& mode, std::size_t connections)
        : loop{mode.backend},
          set{loop,
              {.on_data =
                   [](Connection& connection, ByteView data) {
                       return take_messages(FixedFraming{request.size()}, data,
                                            [&](ByteView one) { return connection.send(one); })
                           .taken;
                   }},
              {.trigger = mode.trigger}} {
        while (ends.size() < connections) ends.push_back(adopt_unix(set));
        settle(loop);
        ask(1); // arrays of the backend have their size
    }

    // One batch for each; all are ready before the turn.
    void ask(std::size_t deep) {
        std::string batch;
        for (std::size_t i = 0; i < deep; ++i) batch += request;
        for (const Adopted& one : ends) put(one.theirs, batch);
        loop.run_once();
        for (const Adopted& one : ends) REQUIRE_EQ(drain(one.theirs), batch);
    }

    EventLoop loop;
    ConnectionSet set;
    std::vector<Adopted> ends;
};

// A call for each change of what is watched, and for one-shot watches, which are armed again after
// each event.
bool registers_by_a_call(const Mode& mode) {
    return mode.is(Backend::epoll) || mode.is(Backend::adaptive);
}
bool is_armed_by_a_call(const Mode& mode) {
    return registers_by_a_call(mode) && mode.is(Trigger::one_shot);
}

} // namespace

CONTRACT_CASE("a request is a wait, a read and a write; ready at once they share the wait",
              everywhere) {
    constexpr std::size_t rounds = 10;
    for (const std::size_t connections : {1U, 50U}) {
        Crowd crowd{mode, connections};
        const Calls calls;
        for (std::size_t i = 0; i < rounds; ++i) crowd.ask(1);
        const std::size_t requests = rounds * connections;
        CHECK_EQ(calls.waits(), rounds);
        CHECK_EQ(calls.of("recv"), requests);
        CHECK_EQ(calls.of("send"), requests);
        CHECK_EQ(calls.besides_waits(), (is_armed_by_a_call(mode) ? 3 : 2) * requests);
    }
}

CONTRACT_CASE("sixteen messages answered one by one leave in one write", everywhere) {
    Crowd crowd{mode, 50};
    const Calls calls;
    crowd.ask(16);
    CHECK_EQ(calls.waits(), 1);
    CHECK_EQ(calls.of("recv"), 50);
    CHECK_EQ(calls.of("send"), 50); // 0.13 calls for each of 800 requests
    CHECK_EQ(calls.besides_waits(), is_armed_by_a_call(mode) ? 150 : 100);
}

CONTRACT_CASE("a second read is made where the first was full, or an end was announced",
              everywhere) {
    EventLoop loop{mode.backend};
    Seen seen;
    ConnectionHandlers handlers = note(seen);
    handlers.on_end = [](Connection&) {};
    ConnectionSet set{loop, std::move(handlers), {.trigger = mode.trigger, .read_size = 64}};
    const Adopted one = adopt_unix(set);
    settle(loop);
    const auto reads_of = [&](std::string_view text, bool then_ends) {
        put(one.theirs, text);
        if (then_ends) ::shutdown(one.theirs.get(), SHUT_WR);
        const Calls calls;
        settle(loop);
        return calls.of("recv");
    };
    CHECK_EQ(reads_of("short", false), 1);
    CHECK_EQ(reads_of(request, false), 2);
    // select does not tell of the end together with the bytes: it is told in the next turn.
    CHECK_EQ(reads_of("the last", true), 2);
}

CONTRACT_CASE(
    "a connection from accept to close costs seven calls besides waits, and no failing one",
    on_level) {
    EventLoop loop{mode.backend};
    Seen seen;
    const Server server{loop, Address::ipv4_loopback(0), note_and_echo(seen)};
    const int port = server.address().port();
    constexpr std::size_t rounds = 10;
    std::vector<Fd> clients; // closed last: that would be counted
    const std::size_t in_vain = would_block("accept4") + would_block("recv");
    const Calls calls;
    for (std::size_t round = 1; round <= rounds; ++round) {
        const Fd& client = clients.emplace_back(tcp_client(port));
        put(client, request);
        std::string answer;
        run_until(loop, [&] {
            answer += drain(client);
            return answer == request;
        });
        ::shutdown(client.get(), SHUT_WR);
        run_until(loop, [&] { return seen.closed.size() == round; });
    }
    CHECK_EQ(calls.of("accept4"), rounds);
    CHECK_EQ(calls.of("recv"), 2 * rounds); // the request, and the end
    CHECK_EQ(calls.of("send"), rounds);
    CHECK_EQ(calls.of("close"), rounds);
    const std::size_t registrations = registers_by_a_call(mode) ? 2 * rounds : 0;
    CHECK_EQ(calls.of("epoll_ctl"), registrations);
    const std::size_t debugging = calls.of("fcntl"); // looks for what was closed too early
    CHECK_EQ(calls.besides_waits() - debugging, 5 * rounds + registrations);
    CHECK_EQ(would_block("accept4") + would_block("recv"), in_vain);
}
