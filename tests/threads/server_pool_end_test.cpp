// What ServerPool promises about ends: of one loop, of all in good order, of a pool that a handler
// ended, and none in a forked child. Loops are held still by gates; nobody sleeps.

#include "support/child.hpp"
#include "support/listen_queue.hpp"
#include "support/sockets.hpp"
#include "support/streams.hpp"
#include "threads/pool_servers.hpp"
#include "torture/threads_at_rest.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <exception>
#include <future>
#include <optional>
#include <poll.h>
#include <pollux/instruments/call_hook.hpp>
#include <pollux/instruments/fault_injection.hpp>
#include <pollux/stream/server_pool.hpp>
#include <stdexcept>
#include <string>
#include <sys/socket.h>
#include <thread>
#include <vector>

using namespace pollux;
using namespace pollux_test;
using std::chrono::seconds;

namespace {

std::uint64_t all_closed(const ConnectionStats& stats, CloseReason reason) {
    return stats.closed[static_cast<std::size_t>(reason)];
}

} // namespace

TEST_CASE("ServerPool: drained under load, what was answered arrives and all see an orderly end") {
    for (const Spread spread : spreads) {
        CAPTURE(static_cast<int>(spread));
        const std::string long_answer = pattern(300'000); // more than the kernel buffers
        LoopPool pool{{.loops = 3, .backend = Backend::epoll}};
        ServerPool server{pool,
                          loopback,
                          [&](std::size_t, EventLoop&) {
                              return ConnectionHandlers{
                                  .on_data = [&](Connection& connection, ByteView data) {
                                      connection.send(long_answer);
                                      return data.size();
                                  }};
                          },
                          {.spread = spread}};
        std::vector<Fd> clients;
        while (clients.size() < 30) clients.push_back(client_of(server));
        for (const Fd& client : clients) put(client, "?");
        for (const Fd& client : clients) await(client, POLLIN); // its answer has begun
        std::future<bool> drained =
            std::async(std::launch::async, [&] { return server.drain(seconds{100}); });
        for (Fd& client : clients) {
            std::string got;
            for (std::string part = answer(client); !part.empty(); part = answer(client))
                got += part;
            CHECK_EQ(got.size(), long_answer.size());
            CHECK(got == long_answer);
            client.reset();
        }
        CHECK(drained.get());
        const ConnectionStats stats = server.stats();
        CHECK_EQ(stats.opened, 30);
        CHECK_EQ(all_closed(stats, CloseReason::closed), 30);
        const Fd late{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
        CHECK_EQ(::connect(late.get(), server.address().data(), server.address().size()), -1);
        CHECK_EQ(errno, ECONNREFUSED);
    }
}

TEST_CASE("ServerPool: sockets on their way to a loop while it drains are served, then closed") {
    LoopPool pool{{.loops = 2}};
    ServerPool server{pool, loopback, greet, {.spread = Spread::round_robin}};
    std::vector<Fd> clients;
    std::promise<void> told;
    {
        const Held busy{pool.loop(1)};
        while (clients.size() < 10) clients.push_back(client_of(server));
        await_load(server, 1, 5);
        server.drain(seconds{100}, [&] { told.set_value(); });
        pool.call(0, [](EventLoop&) {}); // the first loop has stopped accepting
        CHECK_EQ(server.load(1), 5);
    }
    std::string places;
    for (const Fd& client : clients) {
        places += answer(client);
        CHECK_EQ(answer(client), ""); // an end, no reset
    }
    CHECK_EQ(std::ranges::count(places, '1'), 5);
    clients.clear();
    told.get_future().wait();
    CHECK_EQ(all_closed(server.stats(), CloseReason::closed), 10);
}

TEST_CASE("ServerPool: a drain serves who waits in the kernel where the port is shared") {
    for (const Spread spread : spreads)
        for (const bool shared : {true, false}) {
            CAPTURE(static_cast<int>(spread));
            CAPTURE(shared);
            LoopPool pool{{.loops = 2, .backend = Backend::epoll}};
            ServerPool server{pool,
                              loopback,
                              greet,
                              {.spread = spread, .server = {.listen = {.reuse_port = shared}}}};
            std::vector<Fd> clients;
            std::promise<void> told;
            {
                const Held one{pool.loop(0)};
                const Held two{pool.loop(1)};
                while (clients.size() < 10) clients.push_back(client_of(server));
                await_in_queue(server.address().port(), 10);
                server.drain(seconds{100}, [&] { told.set_value(); });
            }
            const bool taken = shared || spread == Spread::reuse_port;
            std::size_t served = 0;
            std::size_t ended = 0;
            for (const Fd& client : clients) {
                if (answer(client).empty()) continue;
                ++served;
                await(client, POLLIN);
                if (at_end(client)) ++ended; // and not reset
            }
            CHECK_EQ(ended, served);
            if (taken) CHECK_EQ(served, 10);
            clients.clear();
            told.get_future().wait();
            const ConnectionStats stats = server.stats();
            CHECK_EQ(stats.opened, served);
            CHECK_EQ(all_closed(stats, CloseReason::closed), served);
        }
}

TEST_CASE("ServerPool: who does not end in time is aborted") {
    LoopPool pool{{.loops = 2}};
    ServerPool server{pool, loopback, greet};
    const Fd stuck = client_of(server); // never ends its side
    CHECK_EQ(answer(stuck), "0");
    CHECK(server.drain(std::chrono::milliseconds{1}));
    CHECK_EQ(all_closed(server.stats(), CloseReason::aborted), 1);
}

TEST_CASE(
    "ServerPool: a drain that cannot end says so: the pool stops, or another one replaces it") {
    LoopPool pool{{.loops = 2}};
    ServerPool server{pool, loopback, greet};
    const Fd stuck = client_of(server);
    CHECK_EQ(answer(stuck), "0");
    std::future<bool> first =
        std::async(std::launch::async, [&] { return server.drain(seconds{100}); });
    CHECK_EQ(answer(stuck), ""); // it has begun
    std::future<bool> second =
        std::async(std::launch::async, [&] { return server.drain(seconds{100}); });
    CHECK_FALSE(first.get());
    pool.stop();
    CHECK_FALSE(second.get());
    pool.wait();
    CHECK_FALSE(server.drain(seconds{100}));
    CHECK_EQ(server.stats().opened, 1); // what there was may still be asked
}

TEST_CASE("ServerPool: a retired loop loses none of the clients that wait in the kernel") {
    for (const Spread spread : spreads) {
        CAPTURE(static_cast<int>(spread));
        LoopPool pool{{.loops = 2, .backend = Backend::epoll}};
        ServerPool server{pool, loopback, greet, {.spread = spread}};
        const int port = server.address().port();
        std::vector<Fd> clients;
        std::future<void> retired;
        {
            const Held one{pool.loop(0)};
            const Held two{pool.loop(1)};
            while (clients.size() < 40) clients.push_back(client_of(server));
            await_in_queue(port, 40);
            retired = std::async(std::launch::async, [&] { server.retire(1); });
            wait_until_others_sleep(); // its task is there
        }
        for (const Fd& client : clients) CHECK_FALSE(answer(client).empty());
        retired.get();
        // Those that it has go on; it gets no more.
        const std::size_t had = server.load(1);
        for (int count = 0; count < 20; ++count) {
            clients.push_back(client_of(server));
            CHECK_EQ(answer(clients.back()), "0");
        }
        CHECK_EQ(server.load(1), had);
        CHECK_EQ(server.load(0) + had, 60);
    }
}

TEST_CASE("ServerPool: when the last loop is retired the address is free") {
    for (const Spread spread : spreads) {
        CAPTURE(static_cast<int>(spread));
        LoopPool pool{{.loops = 2, .backend = Backend::epoll}};
        ServerPool server{pool, loopback, greet, {.spread = spread}};
        const Fd client = client_of(server);
        CHECK_FALSE(answer(client).empty());
        server.retire(0);
        server.retire(1);
        const Socket next = Socket::listen(server.address());
        CHECK(server.drain(std::chrono::milliseconds{1}));
    }
}

TEST_CASE("ServerPool: a pool that stops without a drain resets who waits in a queue") {
    LoopPool pool{{.loops = 2}};
    std::optional<ServerPool> server{std::in_place, pool, loopback, greet,
                                     ServerPoolOptions{.spread = Spread::reuse_port}};
    std::vector<Fd> clients;
    {
        const Held one{pool.loop(0)};
        const Held two{pool.loop(1)};
        while (clients.size() < 40) clients.push_back(client_of(*server));
        await_in_queue(server->address().port(), 40);
        pool.stop();
    }
    pool.wait();
    server.reset();
    for (const Fd& client : clients) await(client, POLLIN);
    const auto resets = std::ranges::count_if(
        clients, [](const Fd& client) { return fails_with(client, ECONNRESET); });
    CHECK_GT(resets, 0);
}

TEST_CASE("ServerPool: what a handler throws goes to on_error, or ends the pool") {
    for (const bool heard : {true, false}) {
        LoopPool pool{{.loops = 2}};
        std::atomic<int> errors{0};
        const ServerPool server{
            pool, loopback, [&](std::size_t, EventLoop&) {
                ConnectionHandlers handlers{.on_data = [](Connection&, ByteView) -> std::size_t {
                    throw std::runtime_error{"a handler"};
                }};
                if (heard) handlers.on_error = [&](const std::exception_ptr&) { ++errors; };
                return handlers;
            }};
        for (int count = 0; count < (heard ? 4 : 1); ++count) {
            const Fd client = client_of(server);
            put(client, "x");
            await(client, POLLIN); // closed
        }
        if (heard) {
            CHECK_EQ(server.stats().opened, 4); // they go on
            CHECK_EQ(errors, 4);
            pool.stop();
            pool.wait();
        } else {
            CHECK_THROWS_AS(pool.wait(), std::runtime_error);
        }
    }
}

TEST_CASE("ServerPool: a listener whose socket breaks says so, once, and the others go on") {
    for (const Spread spread : spreads) {
        CAPTURE(static_cast<int>(spread));
        std::atomic<int> listening{-1}; // the last
        const CallHook hook{[&](const CallPoint& call) {
            if (call.name == "listen") listening = call.fd;
            return CallOutcome{};
        }};
        LoopPool pool{{.loops = 2, .backend = Backend::epoll}};
        std::optional<ServerPool> server{std::in_place, pool, loopback, greet,
                                         ServerPoolOptions{.spread = spread}};
        const Address listened = server->address();
        std::vector<std::size_t> broken;
        std::promise<void> told;
        server->set_on_error([&](std::size_t place, const Address& address, std::error_code error) {
            CHECK(pool.runs_here(place));
            CHECK(address == listened);
            CHECK_EQ(error.value(), EINVAL);
            broken.push_back(place);
            if (broken.size() == 1) told.set_value();
        });
        const Fd before = client_of(*server);
        CHECK_FALSE(answer(before).empty());
        ::shutdown(listening, SHUT_RD);
        REQUIRE(told.get_future().wait_for(longest_wait) == std::future_status::ready);
        if (spread == Spread::reuse_port) CHECK_EQ(answer(client_of(*server)), "0");
        server.reset();
        CHECK_LE(broken.size(), spread == Spread::exclusive ? 2 : 1);
        if (spread == Spread::reuse_port) CHECK_EQ(broken.front(), 1);
    }
}

TEST_CASE("ServerPool: destroyed, it ends all connections, each on its loop") {
    std::atomic<int> right{0};
    LoopPool pool{{.loops = 3}};
    std::vector<Fd> clients;
    {
        const ServerPool server{pool,
                                loopback,
                                [&](std::size_t place, EventLoop&) {
                                    return ConnectionHandlers{
                                        .on_open = [](Connection& peer) { peer.send("x"); },
                                        .on_close =
                                            [&, place](Connection&, const Closed& closed) {
                                                if (pool.runs_here(place) &&
                                                    closed.reason == CloseReason::stopped)
                                                    ++right;
                                            }};
                                },
                                {.spread = Spread::round_robin}};
        while (clients.size() < 6) clients.push_back(client_of(server));
        for (const Fd& client : clients) CHECK_EQ(answer(client), "x");
    }
    CHECK_EQ(right, 6);
    CHECK_EQ(pool.call(2, [](EventLoop&) { return 3; }), 3); // the pool goes on
}

TEST_CASE("ServerPool: to be destroyed takes no memory") {
    for (const Spread spread : spreads) {
        LoopPool pool{{.loops = 2, .backend = Backend::epoll}};
        std::optional<ServerPool> server{std::in_place, pool, loopback, greet,
                                         ServerPoolOptions{.spread = spread}};
        const Fd client = client_of(*server);
        CHECK(!answer(client).empty());
        {
            const FaultInjection no_memory{FaultPlan::parse("new@*=ENOMEM")};
            server.reset();
        }
        CHECK_EQ(answer(client), "");
    }
}

TEST_CASE("ServerPool: waiting on a thread of the pool is an error, not a hang") {
    LoopPool pool{{.loops = 2}};
    ServerPool server{pool, loopback, greet};
    const auto refused = [&](auto act) {
        CHECK_THROWS_AS(pool.call(1, [&](EventLoop&) { act(); }), std::logic_error);
    };
    refused([&] { const ServerPool another{pool, loopback, greet}; });
    refused([&] { static_cast<void>(server.stats()); });
    refused([&] { static_cast<void>(server.shed()); });
    refused([&] { server.retire(0); });
    refused([&] { server.drain(seconds{100}); });
    CHECK_EQ(answer(client_of(server)), "0"); // and nothing was done
}

TEST_CASE("ServerPool: in a forked child destroying does nothing") {
    LoopPool pool{{.loops = 2}};
    std::optional<ServerPool> server{std::in_place, pool, loopback, greet};
    holds_in_child([&](const Expect& expect) {
        try {
            static_cast<void>(server->stats());
            expect(false, "stats throws");
        } catch (const std::logic_error&) {
        }
        server.reset();
    });
    CHECK_EQ(answer(client_of(*server)), "0");
}
