// What ServerPool promises about spreading: clients come to the loops as was asked, and all are
// served. Loops are held still by gates; nobody sleeps.

#include "support/descriptor_ledger.hpp"
#include "support/library_sockets.hpp"
#include "support/sockets.hpp"
#include "threads/pool_servers.hpp"

#include <doctest/doctest.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <poll.h>
#include <pollux/instruments/call_hook.hpp>
#include <pollux/stream/server_pool.hpp>
#include <span>
#include <stdexcept>
#include <string>
#include <sys/socket.h>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

using namespace pollux;
using namespace pollux_test;
using std::chrono::seconds;

namespace {

ConnectionHandlers echo(std::size_t /*place*/, EventLoop& /*loop*/) {
    return {.on_data = [](Connection& connection, ByteView data) {
        connection.send(data);
        return data.size();
    }};
}

} // namespace

TEST_CASE("ServerPool: two hundred clients at once, all are served, however they are spread") {
    for (const Spread spread : spreads) {
        CAPTURE(static_cast<int>(spread));
        const DescriptorLedger ledger;
        LoopPool pool{{.loops = 3, .backend = Backend::epoll}};
        ServerPool server{pool, loopback, echo, {.spread = spread}};
        std::vector<Fd> clients;
        while (clients.size() < 200) clients.push_back(client_of(server));
        for (const Fd& client : clients) put(client, "hello");
        std::size_t right = 0;
        for (const Fd& client : clients) {
            std::string got;
            while (got.size() < 5) got += answer(client);
            if (got == "hello") ++right;
        }
        CHECK_EQ(right, 200);
        const ConnectionStats stats = server.stats();
        CHECK_EQ(stats.opened, 200);
        CHECK_EQ(stats.received, 1000);
        CHECK_EQ(stats.sent, 1000);
        CHECK_EQ(server.load(0) + server.load(1) + server.load(2), 200);
        CHECK_EQ(server.shed(), 0);
        clients.clear();
        CHECK(server.drain(seconds{100}));
        CHECK_EQ(server.load(0) + server.load(1) + server.load(2), 0);
    }
}

TEST_CASE("ServerPool: each backend and trigger, and Unix sockets, with one that accepts for all") {
    for (const Backend backend : {Backend::select, Backend::poll, Backend::epoll})
        for (const Trigger trigger : {Trigger::level, Trigger::one_shot, Trigger::edge}) {
            if (trigger == Trigger::edge && backend != Backend::epoll) continue;
            const Directory directory;
            const Address both[] = {loopback, Address::unix_path(directory / "socket")};
            LoopPool pool{{.loops = 2, .backend = backend}};
            const ServerPool server{
                pool,
                both,
                greet,
                {.spread = Spread::round_robin, .server = {.connection = {.trigger = trigger}}}};
            REQUIRE_EQ(server.addresses().size(), 2);
            std::string places;
            for (const Address& address : {server.addresses()[0], server.addresses()[1]}) {
                const Fd client{::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC, 0)};
                REQUIRE_EQ(::connect(client.get(), address.data(), address.size()), 0);
                places += answer(client);
            }
            CHECK_EQ(places, "01");
        }
}

TEST_CASE("ServerPool: round robin gives each loop the same number, whoever has gone meanwhile") {
    LoopPool pool{{.loops = 3}};
    const ServerPool server{pool, loopback, greet, {.spread = Spread::round_robin}};
    std::vector<Fd> clients;
    std::string places;
    while (clients.size() < 30) {
        clients.push_back(client_of(server));
        places += answer(clients.back());
        if (clients.size() % 2 == 0) clients.back().reset();
    }
    for (std::size_t turn = 0; turn < 30; ++turn)
        CHECK_EQ(places[turn], static_cast<char>('0' + turn % 3));
}

TEST_CASE("ServerPool: the loop with the fewest connections gets the next one") {
    LoopPool pool{{.loops = 3}};
    const ServerPool server{pool, loopback, greet, {.spread = Spread::least_connections}};
    std::array<std::vector<Fd>, 3> of;
    const auto connect = [&] {
        Fd client = client_of(server);
        std::string place = answer(client);
        of.at(std::stoul(place)).push_back(std::move(client));
        return place;
    };
    for (int count = 0; count < 30; ++count) connect();
    for (const auto& clients : of) CHECK_EQ(clients.size(), 10);
    of[1].resize(7);
    await_load(server, 1, 7);
    for (int count = 0; count < 3; ++count) CHECK_EQ(connect(), "1");
    for (int count = 0; count < 30; ++count) connect();
    for (const auto& clients : of) CHECK_EQ(clients.size(), 20);
}

TEST_CASE("ServerPool: connections on their way count, so a loop that is busy gets no more") {
    LoopPool pool{{.loops = 3}};
    const ServerPool server{pool, loopback, greet, {.spread = Spread::least_connections}};
    std::vector<Fd> clients;
    {
        const Held busy{pool.loop(2)};
        while (clients.size() < 9) clients.push_back(client_of(server));
        for (const std::size_t place : {0U, 1U, 2U}) await_load(server, place, 3);
    }
    for (const Fd& client : clients) CHECK_FALSE(answer(client).empty());
}

TEST_CASE("ServerPool: handlers are made on their loop's thread, and run there") {
    LoopPool pool{{.loops = 3}};
    std::array<int, 3> made{};
    const ServerPool server{pool,
                            loopback,
                            [&](std::size_t place, EventLoop& loop) {
                                CHECK_EQ(&loop, &pool.loop(place));
                                CHECK(pool.runs_here(place));
                                ++made.at(place); // one after the other
                                return ConnectionHandlers{
                                    .on_open = [&pool, place](Connection& peer) {
                                        peer.send(pool.runs_here(place) ? "right" : "wrong");
                                    }};
                            },
                            {.spread = Spread::round_robin}};
    CHECK_EQ(made, std::array{1, 1, 1});
    for (int count = 0; count < 3; ++count) CHECK_EQ(answer(client_of(server)), "right");
}

TEST_CASE("ServerPool: a limit holds for each loop; the rest wait in the kernel until one goes") {
    for (const Spread spread :
         {Spread::round_robin, Spread::least_connections, Spread::exclusive}) {
        CAPTURE(static_cast<int>(spread));
        LoopPool pool{{.loops = 2, .backend = Backend::epoll}};
        const ServerPool server{
            pool, loopback, greet, {.spread = spread, .server = {.max_connections = 2}}};
        std::vector<Fd> clients;
        while (clients.size() < 20) clients.push_back(client_of(server));
        std::size_t served = 0;
        while (served < clients.size()) {
            // The four that are served go; others follow.
            std::vector<pollfd> polled;
            for (const Fd& client : clients) polled.push_back({client.get(), POLLIN, 0});
            REQUIRE_GT(::poll(polled.data(), polled.size(), 10000), 0);
            CHECK_LE(server.load(0), 2);
            CHECK_LE(server.load(1), 2);
            for (std::size_t place = 0; place < clients.size(); ++place)
                if ((polled[place].revents & POLLIN) != 0) {
                    ++served;
                    clients[place].reset();
                }
        }
        CHECK_EQ(served, 20);
        CHECK_EQ(server.stats().opened, 20);
    }
}

TEST_CASE("ServerPool: what a handler connects to counts while it is there, and upsets no count") {
    LoopPool pool{{.loops = 2}};
    ServerPool server{
        pool, loopback, greet, {.spread = Spread::round_robin, .server = {.max_connections = 1}}};
    const Fd elsewhere = tcp_listener();
    const Address address = Address::ipv4_loopback(static_cast<std::uint16_t>(port_of(elsewhere)));
    ConnectionId second{};
    const auto connect_twice_and_abort_one = [&](EventLoop&) {
        ConnectionSet& set = server.connections(1);
        const ConnectionId first = set.connect(address);
        second = set.connect(address);
        set.find(first)->abort();
    };
    const auto abort_the_other = [&](EventLoop&) { server.connections(1).find(second)->abort(); };
    pool.call(1, connect_twice_and_abort_one);
    CHECK_EQ(server.load(1), 1);
    pool.call(1, abort_the_other);
    CHECK_EQ(server.load(1), 0);

    const Fd one = client_of(server);
    CHECK_EQ(answer(one), "0");
    pool.call(1, connect_twice_and_abort_one); // the last that had room has none now
    Fd two = client_of(server);
    CHECK_EQ(answer(two), "1");
    CHECK_EQ(server.load(1), 2);
    const Fd three = client_of(server);
    two.reset();
    pool.call(1, abort_the_other);
    CHECK_EQ(answer(three), "1");
}

TEST_CASE("ServerPool: clients that vanish on their way to a loop leave nothing there") {
    for (const Spread spread : spreads) {
        CAPTURE(static_cast<int>(spread));
        LoopPool pool{{.loops = 2, .backend = Backend::epoll}};
        ServerPool server{pool, loopback, greet, {.spread = spread}};
        std::vector<Fd> clients;
        {
            const Held busy{pool.loop(1)};
            while (clients.size() < 20) clients.push_back(client_of(server));
            for (Fd& client : clients) reset(client);
        }
        const Fd last = client_of(server);
        CHECK_FALSE(answer(last).empty());
        const auto only_it_is_left = [&] {
            return server.stats().opened == 21 && server.load(0) + server.load(1) == 1;
        };
        const auto end = std::chrono::steady_clock::now() + longest_wait;
        while (!only_it_is_left() && std::chrono::steady_clock::now() < end)
            std::this_thread::yield();
        CHECK(only_it_is_left());
    }
}

TEST_CASE("ServerPool: who finds no descriptor, or cannot be watched, is shed and counted") {
    struct Refusal {
        const char* call;
        int error;
    };
    static constexpr Refusal refusals[] = {{"accept4", EMFILE}, {"epoll_ctl", ENOSPC}};
    for (const Spread spread : spreads) {
        CAPTURE(static_cast<int>(spread));
        std::atomic<const Refusal*> next{nullptr};
        const CallHook hook{[&](const CallPoint& point) {
            CallOutcome outcome;
            const Refusal* refusal = next;
            if (refusal != nullptr && point.name == refusal->call &&
                next.compare_exchange_strong(refusal, nullptr))
                outcome.error = refusal->error;
            return outcome;
        }};
        LoopPool pool{{.loops = 2, .backend = Backend::epoll}};
        ServerPool server{pool, loopback, greet, {.spread = spread}};
        for (const Refusal& refusal : refusals) {
            next = &refusal;
            CHECK_EQ(answer(client_of(server)), ""); // an end
        }
        CHECK_EQ(server.shed(), 2);
        CHECK_EQ(server.load(0) + server.load(1), 0);
        CHECK_FALSE(answer(client_of(server)).empty());
        CHECK(server.drain(seconds{100}));
        CHECK_EQ(server.shed(), 2); // the listeners are gone, what they did is not
    }
}

TEST_CASE("ServerPool: what cannot begin leaves nothing behind") {
    const DescriptorLedger ledger;
    const auto refused_with = [](LoopPool& pool, const Address& address, Spread spread) {
        try {
            const ServerPool server{pool, address, echo, {.spread = spread}};
            return 0;
        } catch (const std::system_error& error) {
            return error.code().value();
        }
    };
    LoopPool pool{{.loops = 2, .backend = Backend::poll}};
    const Socket other = Socket::listen(loopback);
    for (const Spread spread : spreads)
        CHECK_EQ(refused_with(pool, other.local(), spread), EADDRINUSE);
    CHECK_EQ(refused_with(pool, loopback, Spread::exclusive), ENOTSUP);
    CHECK_THROWS_AS(refused_with(pool, Address::abstract("pollux-pool"), Spread::reuse_port),
                    std::invalid_argument);
    CHECK_THROWS_AS(ServerPool(pool, std::span<const Address>{}, echo), std::invalid_argument);
    std::size_t made = 0;
    CHECK_THROWS_AS(ServerPool(pool, loopback,
                               [&](std::size_t, EventLoop&) -> ConnectionHandlers {
                                   if (++made == 2) throw std::domain_error{"no handlers"};
                                   return {};
                               }),
                    std::domain_error);
    pool.stop();
    pool.wait();
    CHECK_EQ(refused_with(pool, loopback, Spread::round_robin), ECANCELED);
}
