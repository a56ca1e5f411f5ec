// One handler, in every model and over streams: what is said, and how it ends.

#include <doctest/doctest.h>

#include <atomic>
#include <cerrno>
#include <mutex>
#include <poll.h>
#include <set>
#include <stdexcept>
#include <sys/socket.h>
#include <utility>
#include <vector>

#include "service/serving.hpp"
#include "support/descriptor_ledger.hpp"
#include "support/observing.hpp"
#include "support/streams.hpp"
#include <pollux/instruments/fault_injection.hpp>
#include <system_error>
#include <thread>

using namespace pollux;
using namespace pollux_test;
using namespace std::chrono_literals;

namespace {

/// Answers each line that is complete, and leaves the rest.
class Lines final : public Session {
    std::size_t on_data(ByteView bytes) override {
        const std::size_t end = text_of(bytes).rfind('\n');
        if (end == std::string_view::npos) return 0;
        send(upper(text_of(bytes.first(end + 1))));
        return end + 1;
    }
};

/// Greets, says good-bye when the client ends, and throws or closes when it is told to.
class Talker final : public Session {
    void on_open() override { send("hello "); }
    std::size_t on_data(ByteView bytes) override {
        if (text_of(bytes) == "throw") throw std::runtime_error{"as you wish"};
        if (text_of(bytes) == "close") {
            send("closing");
            close();
            CHECK_FALSE(send("too late"));
        } else {
            send(bytes);
        }
        return bytes.size();
    }
    void on_end() override { send(" good-bye"); }
};

// On bare system calls: the library's are to fail. What comes until the end.
std::string ask_barely(const BlockingSocket& with) {
    const int fd = with.socket().fd();
    CHECK_EQ(::send(fd, "?", 1, 0), 1);
    std::string all;
    for (char byte = 0;;) {
        pollfd entry{fd, POLLIN, 0};
        CHECK_EQ(::poll(&entry, 1, 10'000), 1);
        if (::recv(fd, &byte, 1, MSG_DONTWAIT) <= 0) return all;
        all += byte;
    }
}

SessionFactory talkers() {
    return [] { return std::make_unique<Talker>(); };
}

std::array<Address, 3> stream_addresses(const Directory& directory) {
    return {Address::ipv4_loopback(0), Address::ipv6_loopback(0),
            Address::unix_path(directory / "socket")};
}

} // namespace

CONTRACT_CASE("service: a conversation in every model, over TCP and Unix streams", everywhere) {
    const Directory directory;
    for (const Model model : models) {
        for (const Address& address : stream_addresses(directory)) {
            CAPTURE(to_string(model));
            CAPTURE(address.to_string());
            Serving serving{address, uppers(), options_of(model, mode)};
            for (int client = 0; client < 2; ++client) {
                BlockingSocket socket = serving.connect();
                CHECK_EQ(ask(socket, "hello, World"), "HELLO, WORLD");
                CHECK_EQ(ask(socket, "again"), "AGAIN");
                socket.socket().shutdown_write();
                CHECK_EQ(receive_all(socket), "");
            }
            serving.end();
            CHECK_EQ(serving.server().stats().clients, 2);
            CHECK_EQ(serving.server().stats().shed, 0);
        }
    }
}

CONTRACT_CASE("service: it greets first, and what it says at the end arrives", everywhere) {
    for (const Model model : models) {
        CAPTURE(to_string(model));
        Serving serving{Address::ipv4_loopback(0), talkers(), options_of(model, mode)};
        BlockingSocket socket = serving.connect();
        CHECK_EQ(receive(socket, 6), "hello ");
        socket.send_all(bytes_of("me"));
        socket.socket().shutdown_write();
        CHECK_EQ(receive_all(socket), "me good-bye");
    }
}

CONTRACT_CASE("service: what the session leaves is offered again in front of the rest",
              everywhere) {
    for (const Model model : models) {
        CAPTURE(to_string(model));
        Serving serving{abstract_address("lines"), [] { return std::make_unique<Lines>(); },
                        options_of(model, mode)};
        BlockingSocket socket = serving.connect();
        CHECK_EQ(ask(socket, "one\n"), "ONE\n");
        socket.send_all(bytes_of("two\nthr"));
        CHECK_EQ(receive(socket, 4), "TWO\n");
        socket.send_all(bytes_of("e"));
        socket.send_all(bytes_of("e\nfour\nrest"));
        CHECK_EQ(receive(socket, 11), "THREE\nFOUR\n");
        socket.socket().shutdown_write();
        CHECK_EQ(receive_all(socket), "");
    }
}

TEST_CASE("service: a session that leaves more than the limit is ended") {
    for (const Model model : models) {
        CAPTURE(to_string(model));
        SocketServerOptions options = options_of(model, modes.back());
        options.input_limit = 1000;
        Serving serving{abstract_address("input-limit"), [] { return std::make_unique<Lines>(); },
                        std::move(options)};
        BlockingSocket fits = serving.connect();
        CHECK_EQ(ask(fits, std::string(999, 'a') + '\n').size(), 1000);
        fits.send_all(bytes_of(std::string(1001, 'a')));
        CHECK_EQ(receive_all(fits), "");
    }
}

CONTRACT_CASE("service: megabytes go through and come back", everywhere) {
    const std::string text = pattern(1'000'000);
    for (const Model model : models) {
        CAPTURE(to_string(model));
        Serving serving{abstract_address("megabytes"), uppers(), options_of(model, mode)};
        BlockingSocket socket = serving.connect();
        BlockingSocket twin{Socket::adopt(Fd{::dup(socket.socket().fd())}), 10s};
        const std::jthread sender{[&] {
            twin.send_all(bytes_of(text));
            twin.socket().shutdown_write();
        }};
        CHECK(receive_all(socket) == upper(text));
    }
}

CONTRACT_CASE("service: what a session sent before it closed arrives, whatever is unread",
              everywhere) {
    const std::string answer = pattern(1'000'000);
    for (const Model model : models) {
        CAPTURE(to_string(model));
        const auto closes = [&](Session& session, ByteView) {
            session.send(answer);
            session.close();
            return std::size_t{0};
        };
        SocketServer server{Address::ipv4_loopback(0), SessionFunction{closes},
                            options_of(model, mode)};
        const std::jthread thread{[&] { server.serve_forever(); }};
        BlockingSocket socket = BlockingSocket::connected_to(server.address(), 10s);
        for (int part = 0; part < 10; ++part) socket.send_all(bytes_of("more than it reads"));
        CHECK(receive_all(socket) == answer);
        socket.close();
        server.shutdown();
    }
}

CONTRACT_CASE("service: a session that throws ends its own client only", everywhere) {
    for (const Model model : models) {
        CAPTURE(to_string(model));
        std::atomic<int> failures{0};
        SocketServerOptions options = options_of(model, mode);
        options.on_error = [&](const std::exception_ptr& failure) {
            failures += failure != nullptr ? 1 : 0;
        };
        Serving serving{Address::ipv4_loopback(0), talkers(), std::move(options)};
        {
            std::vector<BlockingSocket> others;
            if (model != Model::iterative) others.push_back(serving.connect());
            BlockingSocket thrower = serving.connect();
            CHECK_EQ(receive(thrower, 6), "hello ");
            thrower.send_all(bytes_of("throw"));
            CHECK_EQ(receive_all(thrower), "");
            for (BlockingSocket& other : others) {
                CHECK_EQ(receive(other, 6), "hello ");
                CHECK_EQ(ask(other, "still here"), "still here");
            }
        }
        BlockingSocket next = serving.connect();
        next.send_all(bytes_of("close"));
        CHECK_EQ(receive_all(next), "hello closing");
        serving.end();
        CHECK_EQ(failures, model == Model::fork ? 0 : 1); // there it is told in the child
    }
}

TEST_CASE("service: a session that cannot be made loses its client, and nobody is told") {
    const DescriptorLedger ledger;
    for (const Model model : models) {
        CAPTURE(to_string(model));
        SocketServerOptions options = options_of(model, modes.back());
        Serving serving{Address::ipv4_loopback(0),
                        []() -> std::unique_ptr<Session> { throw std::runtime_error{"none left"}; },
                        std::move(options)};
        for (int client = 0; client < 3; ++client) {
            BlockingSocket socket = serving.connect();
            CHECK_EQ(receive_all(socket), "");
        }
    }
}

CONTRACT_CASE("service: clients that reset their connection in the middle harm nobody",
              everywhere) {
    for (const Model model : models) {
        CAPTURE(to_string(model));
        Serving serving{Address::ipv4_loopback(0), uppers(), options_of(model, mode)};
        for (int client = 0; client < 20; ++client) {
            BlockingSocket socket = serving.connect();
            socket.send_all(bytes_of(std::string(10'000, 'x')));
            if (client % 2 == 0) receive(socket, 1);
            reset(socket.socket());
        }
        BlockingSocket socket = serving.connect();
        CHECK_EQ(ask(socket, "served"), "SERVED");
    }
}

CONTRACT_CASE("service: many clients at once are all served", everywhere) {
    for (const Model model : models) {
        CAPTURE(to_string(model));
        Serving serving{abstract_address("many"), uppers(), options_of(model, mode)};
        std::vector<BlockingSocket> clients;
        for (int client = 0; client < 50; ++client) {
            clients.push_back(serving.connect());
            clients.back().send_all(bytes_of("client " + std::to_string(client)));
            clients.back().socket().shutdown_write();
        }
        for (int client = 49; client >= 0; --client)
            CHECK_EQ(receive_all(clients[static_cast<std::size_t>(client)]),
                     "CLIENT " + std::to_string(client));
    }
}

TEST_CASE("service: with max_clients at once the next one waits until one of them is gone") {
    const DescriptorLedger ledger;
    for (const Model model :
         {Model::threads, Model::fork, Model::reactor, Model::multi, Model::coroutine}) {
        CAPTURE(to_string(model));
        SocketServerOptions options = options_of(model, modes.back());
        options.max_clients = 2;
        Serving serving{Address::ipv4_loopback(0), uppers(), std::move(options)};
        BlockingSocket one = serving.connect();
        BlockingSocket two = serving.connect();
        CHECK_EQ(ask(one, "one"), "ONE");
        CHECK_EQ(ask(two, "two"), "TWO");
        BlockingSocket three = serving.connect();
        three.send_all(bytes_of("three"));
        CHECK_EQ(ask(one, "again"), "AGAIN");
        CHECK_EQ(serving.server().stats().clients, 2);
        one.socket().shutdown_write(); // a close would not do: a process of fork has copies
        CHECK_EQ(receive_all(one), "");
        CHECK_EQ(receive(three, 5), "THREE");
        CHECK_EQ(serving.server().stats().clients, 3);
    }
}

TEST_CASE("service: a client that says nothing for the idle timeout is given up") {
    const DescriptorLedger ledger;
    for (const Model model : models) {
        CAPTURE(to_string(model));
        SocketServerOptions options = options_of(model, modes.back());
        options.idle_timeout = 20ms;
        Serving serving{Address::ipv4_loopback(0), uppers(), std::move(options)};
        BlockingSocket socket = serving.connect();
        CHECK_EQ(receive_all(socket), "");
    }
}

TEST_CASE("service: who it is") {
    const DescriptorLedger ledger;
    for (const Model model : models) {
        CAPTURE(to_string(model));
        const auto tell = [](Session& session, ByteView bytes) {
            session.send(session.peer().to_string());
            return bytes.size();
        };
        SocketServer server{Address::ipv4_loopback(0), SessionFunction{tell},
                            options_of(model, modes.back())};
        const std::jthread thread{[&] { server.serve_forever(); }};
        BlockingSocket socket = BlockingSocket::connected_to(server.address(), 10s);
        const std::string mine = socket.socket().local().to_string();
        CHECK_EQ(ask(socket, std::string(mine.size(), '?')), mine);
        server.shutdown();
    }
}

TEST_CASE("service: how many threads serve three clients at once") {
    const DescriptorLedger ledger;
    for (const auto& [model, expected] :
         {std::pair{Model::threads, 3}, std::pair{Model::reactor, 1}, std::pair{Model::multi, 2},
          std::pair{Model::coroutine, 1}}) {
        CAPTURE(to_string(model));
        std::mutex mutex;
        std::set<std::thread::id> threads;
        const auto note = [&](Session& session, ByteView bytes) {
            const std::lock_guard lock{mutex};
            threads.insert(std::this_thread::get_id());
            session.send(bytes);
            return bytes.size();
        };
        SocketServer server{Address::ipv4_loopback(0), SessionFunction{note},
                            options_of(model, modes.back())};
        const std::jthread thread{[&] { server.serve_forever(); }};
        std::vector<BlockingSocket> clients;
        for (int client = 0; client < 3; ++client) {
            clients.push_back(BlockingSocket::connected_to(server.address(), 10s));
            CHECK_EQ(ask(clients.back(), "hello"), "hello");
        }
        const bool on_its_own = threads.contains(thread.get_id());
        CHECK_EQ(threads.size(), expected);
        CHECK_EQ(on_its_own, expected == 1);
        server.shutdown();
    }
}

// A request: the wait for it, the read, the write.
TEST_CASE("service: a request costs three system calls in every model") {
    const DescriptorLedger ledger;
    for (const Model model : models) {
        if (model == Model::fork) continue; // its calls are made, and counted, in another process
        CAPTURE(to_string(model));
        SocketServer server{abstract_address("calls"), uppers(),
                            options_of(model, {Backend::epoll, Trigger::level})};
        const std::jthread thread{[&] { server.serve_forever(); }};
        BlockingSocket client = BlockingSocket::connected_to(server.address(), 10s);
        const Fd asking{client.release().release()}; // bare calls, which are not counted
        const auto exchanges = [&](int count) {
            for (; count > 0; --count) {
                put(asking, "x");
                await(asking, POLLIN);
                CHECK_EQ(take(asking), "X");
            }
        };
        const std::string wait =
            model == Model::iterative || model == Model::threads || model == Model::pool
                ? "ppoll"
                : "epoll_wait";
        // Until the thread that accepts has gone to sleep: its last calls are none of the
        // request's.
        const auto accepts = [&](const std::string& calls) {
            return wait == "ppoll" && calls.find("epoll_wait") != std::string::npos;
        };
        exchanges(2);
        std::string made;
        int attempts = 100;
        do {
            const CallRecord record;
            exchanges(10);
            made = record.made();
        } while (accepts(made) && --attempts > 0);
        // The first wait had begun or not, and so has the last.
        CAPTURE(made);
        const std::size_t first = made.find('*');
        CHECK_EQ(made.substr(0, first), wait);
        CHECK(std::set<std::string>{"*9", "*10", "*11"}.contains(
            made.substr(first, made.find(' ') - first)));
        CHECK_EQ(made.substr(made.find(' ')), " recv*10 send*10");
        server.shutdown();
    }
}

CONTRACT_CASE("service: a client to whom nothing can be sent is let go", everywhere) {
    for (const Model model : models) {
        CAPTURE(to_string(model));
        Serving serving{Address::ipv4_loopback(0), uppers(), options_of(model, mode)};
        // First: a process that is forked for the client then has the hook, and none half made.
        const CallHook hook{failing("send", EPIPE, 1)};
        const BlockingSocket socket = serving.connect();
        CHECK_EQ(ask_barely(socket), "");
    }
}

TEST_CASE("service: a wait that tells of an end that is not there ends nobody") {
    for (const Model model : {Model::iterative, Model::threads, Model::pool}) {
        CAPTURE(to_string(model));
        const FaultInjection injection{FaultPlan::parse("ppoll@1=spurious")};
        Serving serving{Address::ipv4_loopback(0), uppers(), options_of(model, modes.back())};
        BlockingSocket socket = serving.connect();
        CHECK_EQ(ask(socket, "served"), "SERVED");
        CHECK_EQ(injection.injected(), 1);
        CHECK_EQ(ask(socket, "and again"), "AND AGAIN");
    }
}

TEST_CASE("service: multi ends when a loop of its own cannot wait") {
    SocketServer server{Address::ipv4_loopback(0), uppers(),
                        options_of(Model::multi, {Backend::poll, Trigger::level})};
    std::error_code why;
    std::jthread thread{[&] {
        try {
            server.serve_forever();
        } catch (const std::system_error& error) {
            why = error.code();
        }
    }};
    BlockingSocket socket = BlockingSocket::connected_to(server.address(), 10s);
    CHECK_EQ(ask(socket, "served"), "SERVED");
    const CallHook hook{failing("ppoll", ENOMEM)};
    ask_barely(socket);
    thread.join();
    CHECK(why == std::errc::not_enough_memory);
}

TEST_CASE("service: a thread or a process that cannot be had costs one client") {
    const DescriptorLedger ledger;
    for (const auto& [model, call] :
         {std::pair{Model::threads, "pthread_create"}, std::pair{Model::fork, "fork"},
          std::pair{Model::fork, "pidfd_open"}}) {
        CAPTURE(call);
        const CallHook hook{failing(call, EAGAIN, 1)};
        Serving serving{Address::ipv4_loopback(0), uppers(), options_of(model, modes.back())};
        BlockingSocket refused = serving.connect();
        CHECK_EQ(receive_all(refused), "");
        BlockingSocket socket = serving.connect();
        CHECK_EQ(ask(socket, "served"), "SERVED");
        CHECK_EQ(serving.server().stats().shed, 1);
    }
}
