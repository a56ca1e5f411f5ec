// Clients that do not read what a SocketServer sends them.

#include <doctest/doctest.h>

#include <atomic>
#include <poll.h>

#include "service/serving.hpp"
#include "support/descriptor_ledger.hpp"
#include "support/streams.hpp"

using namespace pollux;
using namespace pollux_test;
using namespace std::chrono_literals;

namespace {

const Address somewhere = abstract_address("pressure");
constexpr std::size_t too_much = 8'000'000; // for the kernel's buffers

// Until the server has closed its socket; nothing is read.
void await_cut(const BlockingSocket& client) {
    pollfd entry{client.socket().fd(), 0, 0};
    CHECK_EQ(::poll(&entry, 1, 10'000), 1);
    CHECK((entry.revents & POLLHUP) != 0);
}

// A client that is sent too much and takes nothing is cut before it has all.
void is_cut(void (*and_then)(Session&), SocketServerOptions options) {
    const auto tell = [and_then](Session& session, ByteView bytes) {
        session.send(std::string(too_much, 'x'));
        and_then(session);
        return bytes.size();
    };
    SocketServer server{somewhere, SessionFunction{tell}, std::move(options)};
    const std::jthread thread{[&] { server.serve_forever(); }};
    BlockingSocket socket = BlockingSocket::connected_to(server.address(), 10s);
    socket.send_all(bytes_of("?"));
    await_cut(socket);
    CHECK_LT(receive_all(socket).size(), too_much);
    server.shutdown();
}

} // namespace

TEST_CASE("service: an answer may be as long as there is memory for it") {
    const DescriptorLedger ledger;
    const std::string answer = pattern(20'000'000);
    for (const Model model : models) {
        CAPTURE(to_string(model));
        const auto tell = [&](Session& session, ByteView bytes) {
            CHECK(session.send(answer));
            session.close();
            return bytes.size();
        };
        SocketServer server{somewhere, SessionFunction{tell}, options_of(model, modes.back())};
        const std::jthread thread{[&] { server.serve_forever(); }};
        BlockingSocket socket = BlockingSocket::connected_to(server.address(), 10s);
        socket.send_all(bytes_of("?"));
        CHECK(receive_all(socket) == answer);
        socket.close();
        server.shutdown();
    }
}

CONTRACT_CASE("service: who does not take what was sent before close is cut after a while",
              everywhere) {
    for (const Model model : models) {
        CAPTURE(to_string(model));
        SocketServerOptions options = options_of(model, mode);
        options.drain_timeout = 20ms;
        is_cut([](Session& session) { session.close(); }, std::move(options));
    }
}

CONTRACT_CASE("service: who takes nothing for the idle timeout is given up", everywhere) {
    for (const Model model : models) {
        CAPTURE(to_string(model));
        SocketServerOptions options = options_of(model, mode);
        options.idle_timeout = 20ms;
        is_cut([](Session&) {}, std::move(options));
    }
}

CONTRACT_CASE("service: nothing is read from a client that does not take its answers", everywhere) {
    for (const Model model : models) {
        if (model == Model::fork) continue; // it counts in another process
        CAPTURE(to_string(model));
        SocketServerOptions options = options_of(model, mode);
        options.drain_timeout = 20ms;
        std::atomic<int> calls{0};
        const auto tell = [&](Session& session, ByteView bytes) {
            ++calls;
            session.send(std::string(too_much, 'x'));
            return bytes.size();
        };
        SocketServer server{somewhere, SessionFunction{tell}, std::move(options)};
        std::thread thread{[&] { server.serve_forever(); }};
        BlockingSocket socket = BlockingSocket::connected_to(server.address(), 10s);
        socket.send_all(bytes_of("?"));
        CHECK_EQ(receive(socket, 1), "x");
        socket.send_all(bytes_of("??"));
        server.shutdown();
        thread.join();
        CHECK_EQ(calls, 1);
    }
}
