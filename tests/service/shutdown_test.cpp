// How a SocketServer ends.

#include <doctest/doctest.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <functional>
#include <iterator>
#include <sys/wait.h>
#include <thread>
#include <vector>

#include "service/serving.hpp"
#include "support/child.hpp"
#include "support/descriptor_ledger.hpp"
#include "support/gate.hpp"
#include "support/observing.hpp"

using namespace pollux;
using namespace pollux_test;
using namespace std::chrono_literals;

namespace {

SocketServer* to_shut_down = nullptr;

bool has_children() {
    siginfo_t how{};
    return ::waitid(P_ALL, 0, &how, WEXITED | WNOHANG | WNOWAIT) == 0;
}

// Asks and asks, 20 000 bytes ahead of the answers, and gives all that came until the end. Sending
// is refused once the server is gone; receiving never is.
std::string pipeline(const Address& server, const std::function<void()>& once_answered) {
    const std::string request = "one request of many\n";
    BlockingSocket socket = BlockingSocket::connected_to(server, 10s);
    std::string answers;
    std::string part(65536, '\0');
    bool refused = false;
    for (std::size_t sent = 0;;) {
        for (; !refused && sent < answers.size() + 20'000; sent += request.size())
            refused = error_of([&] { socket.send_all(bytes_of(request)); }) != 0;
        const std::size_t count = socket.receive(std::as_writable_bytes(std::span{part}));
        if (count == 0) return answers;
        if (answers.empty()) once_answered();
        answers.append(part, 0, count);
    }
}

} // namespace

CONTRACT_CASE("service: shutdown does not wait for idle clients, and they see an orderly end",
              everywhere) {
    for (const Model model : models) {
        CAPTURE(to_string(model));
        SocketServerOptions options = options_of(model, mode);
        options.drain_timeout = 24h;
        Serving serving{Address::ipv4_loopback(0), uppers(), std::move(options)};
        std::vector<BlockingSocket> clients;
        for (int client = 0; client < 3; ++client) clients.push_back(serving.connect());
        // Iterative serves the first alone, and two threads of a pool take four.
        while (serving.server().stats().clients < (model == Model::iterative ? 1 : 3))
            std::this_thread::yield();
        serving.end();
        CHECK_EQ(receive_all(clients.front()), "");
        if (model == Model::iterative) continue;
        for (BlockingSocket& client : clients) CHECK_EQ(receive_all(client), "");
    }
}

CONTRACT_CASE("service: shutdown before serve_forever", everywhere) {
    for (const Model model : models) {
        CAPTURE(to_string(model));
        SocketServer server{Address::ipv4_loopback(0), uppers(), options_of(model, mode)};
        server.shutdown();
        server.serve_forever();
        server.serve_forever();
        CHECK_EQ(server.stats().clients, 0);
        CHECK_EQ(error_of([&] { BlockingSocket::connected_to(server.address(), 10s); }),
                 ECONNREFUSED);
    }
}

CONTRACT_CASE("service: after shutdown nobody listens, and it stays so", everywhere) {
    for (const Model model : models) {
        CAPTURE(to_string(model));
        Serving serving{Address::ipv4_loopback(0), uppers(), options_of(model, mode)};
        BlockingSocket socket = serving.connect();
        CHECK_EQ(ask(socket, "hello"), "HELLO");
        socket.close();
        serving.end();
        serving.server().serve_forever();
        CHECK_EQ(error_of([&] { serving.connect(); }), ECONNREFUSED);
    }
}

TEST_CASE("service: shutdown from a signal handler") {
    const DescriptorLedger ledger;
    for (const Model model : models) {
        CAPTURE(to_string(model));
        SocketServer server{Address::ipv4_loopback(0), uppers(), options_of(model, modes.back())};
        to_shut_down = &server;
        const auto former = std::signal(SIGUSR2, [](int) { to_shut_down->shutdown(); });
        const std::jthread killer{[&, self = ::pthread_self()] {
            BlockingSocket socket = BlockingSocket::connected_to(server.address(), 10s);
            CHECK_EQ(ask(socket, "hello"), "HELLO");
            ::pthread_kill(self, SIGUSR2);
            CHECK_EQ(receive_all(socket), "");
        }};
        server.serve_forever();
        std::signal(SIGUSR2, former);
    }
}

CONTRACT_CASE("service: shutdown under load loses nothing that was answered", everywhere) {
    for (const Model model : models) {
        CAPTURE(to_string(model));
        std::atomic<std::uint64_t> answered{0};
        const auto answer = [&](Session& session, ByteView bytes) {
            session.send(upper(text_of(bytes)));
            answered += bytes.size();
            return bytes.size();
        };
        SocketServer server{Address::ipv4_loopback(0), SessionFunction{answer},
                            options_of(model, mode)};
        std::thread serving{[&] { server.serve_forever(); }};
        std::atomic<std::uint64_t> received{0};
        std::atomic<int> busy{0};
        {
            const int count = model == Model::iterative ? 1 : 2;
            std::vector<std::jthread> clients;
            for (int client = 0; client < count; ++client)
                clients.emplace_back([&] {
                    const std::string answers = pipeline(server.address(), [&] { ++busy; });
                    CHECK(answers.starts_with("ONE REQUEST OF MANY\n"));
                    received += answers.size();
                });
            while (busy < count) std::this_thread::yield();
            server.shutdown();
        }
        serving.join();
        if (model != Model::fork) CHECK_EQ(received, answered); // there it is counted in the child
    }
}

TEST_CASE("service: what has arrived when it is shut down is answered") {
    const DescriptorLedger ledger;
    for (const Mode& mode : modes) {
        Gate gate;
        const auto answer = [&](Session& session, ByteView bytes) {
            if (text_of(bytes) == "wait") gate.wait();
            session.send(upper(text_of(bytes)));
            return bytes.size();
        };
        SocketServer server{abstract_address("arrived"), SessionFunction{answer},
                            options_of(Model::reactor, mode)};
        const std::jthread serving{[&] { server.serve_forever(); }};
        BlockingSocket one = BlockingSocket::connected_to(server.address(), 10s);
        BlockingSocket two = BlockingSocket::connected_to(server.address(), 10s);
        CHECK_EQ(ask(two, "hello"), "HELLO");
        one.send_all(bytes_of("wait")); // the loop is held from here on, sooner or later
        two.send_all(bytes_of("arrived"));
        server.shutdown();
        gate.open();
        CHECK_EQ(receive_all(two), "ARRIVED");
        CHECK_EQ(receive_all(one), "WAIT");
    }
}

CONTRACT_CASE("service: a client that does not read is cut after the drain timeout", everywhere) {
    for (const Model model : models) {
        CAPTURE(to_string(model));
        SocketServerOptions options = options_of(model, mode);
        options.drain_timeout = 20ms;
        std::atomic<bool> sending{false};
        const auto flood = [&](Session& session, ByteView bytes) {
            sending = true;
            session.send(std::string(8'000'000, 'x'));
            return bytes.size();
        };
        SocketServer server{abstract_address("flood"), SessionFunction{flood}, std::move(options)};
        std::thread serving{[&] { server.serve_forever(); }};
        BlockingSocket socket = BlockingSocket::connected_to(server.address(), 10s);
        socket.send_all(bytes_of("?"));
        CHECK_EQ(receive(socket, 1), "x");
        server.shutdown();
        serving.join();
        CHECK_LT(receive_all(socket).size(), 8'000'000);
    }
}

TEST_CASE("service: a process that does not end is killed after the drain timeout") {
    const DescriptorLedger ledger;
    SocketServerOptions options = options_of(Model::fork, modes.back());
    options.drain_timeout = 20ms;
    const auto hang = [](Session& session, ByteView bytes) {
        session.send("in vain");
        for (;;) ::pause();
        return bytes.size();
    };
    SocketServer server{Address::ipv4_loopback(0), SessionFunction{hang}, std::move(options)};
    std::thread serving{[&] { server.serve_forever(); }};
    BlockingSocket socket = BlockingSocket::connected_to(server.address(), 10s);
    socket.send_all(bytes_of("?"));
    while (!has_children()) std::this_thread::yield();
    server.shutdown();
    serving.join();
    CHECK_FALSE(has_children());
    CHECK_EQ(receive_all(socket), "");
}

TEST_CASE("service: a process for each client, and none is left as a zombie") {
    const DescriptorLedger ledger;
    Serving serving{Address::ipv4_loopback(0), uppers(), options_of(Model::fork, modes.back())};
    for (int client = 0; client < 20; ++client) {
        BlockingSocket socket = serving.connect();
        CHECK_EQ(ask(socket, "hello"), "HELLO");
        CHECK(has_children());
        socket.socket().shutdown_write(); // a close would not do: the process has a copy
        CHECK_EQ(receive_all(socket), "");
        while (has_children()) std::this_thread::yield(); // it is reaped while others are served
    }
}

// What a program has written and not flushed is in each process.
TEST_CASE("service: a process for a client leaves alone what the program does at its end") {
    const Directory directory;
    const std::string path = directory / "written";
    holds_in_child([&](const Expect& expect) {
        std::FILE* const file = std::fopen(path.c_str(), "w");
        std::fputs("once", file);
        {
            Serving serving{Address::ipv4_loopback(0), uppers(),
                            options_of(Model::fork, modes.back())};
            BlockingSocket socket = serving.connect();
            expect(ask(socket, "hello") == "HELLO", "served");
        }
        std::fclose(file);
    });
    std::ifstream file{path};
    CHECK_EQ(std::string(std::istreambuf_iterator<char>{file}, {}), "once");
}
