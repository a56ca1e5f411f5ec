// One handler, in every model, for datagrams.

#include <doctest/doctest.h>

#include <atomic>
#include <poll.h>
#include <stdexcept>
#include <thread>

#include "service/serving.hpp"
#include "support/descriptor_ledger.hpp"

using namespace pollux;
using namespace pollux_test;

namespace {

/// A client of datagrams that asks and waits for the answer.
class Asking {
public:
    Asking(const Address& own, const Address& server)
        : socket_{Socket::datagram(own), std::chrono::seconds{10}}, server_{server} {}

    std::string ask(std::string_view text) {
        tell(text);
        return hear();
    }
    void tell(std::string_view text) { socket_.send_to(bytes_of(text), server_); }
    std::string hear() {
        std::string answer(65536, '\0');
        const ReceivedFrom got = socket_.receive_from(std::as_writable_bytes(std::span{answer}));
        CHECK(got.from == server_);
        answer.resize(got.bytes);
        return answer;
    }

private:
    BlockingSocket socket_;
    Address server_;
};

SocketServerOptions datagrams(Model model, const Mode& mode) {
    SocketServerOptions options = options_of(model, mode);
    options.listen.type = SOCK_DGRAM;
    return options;
}

} // namespace

CONTRACT_CASE("service: datagrams in every model, of UDP and of Unix sockets", everywhere) {
    const Directory directory;
    int number = 0;
    for (const Model model : models) {
        CAPTURE(to_string(model));
        const std::string own = directory / std::to_string(++number);
        for (const auto& [mine, theirs] :
             {std::pair{Address::ipv4_loopback(0), Address::ipv4_loopback(0)},
              std::pair{Address::ipv6_loopback(0), Address::ipv6_loopback(0)},
              std::pair{Address::unix_path(own), Address::unix_path(own + "server")}}) {
            CAPTURE(theirs.to_string());
            Serving serving{theirs, uppers(), datagrams(model, mode)};
            Asking client{mine, serving.server().address()};
            CHECK_EQ(client.ask("hello, World"), "HELLO, WORLD");
            CHECK_EQ(client.ask(""), "");
            CHECK_EQ(client.ask(std::string(8000, 'x')), std::string(8000, 'X'));
            serving.end();
            CHECK_EQ(serving.server().stats().clients, 3);
        }
    }
}

TEST_CASE("service: each send is a datagram of its own, and a session that throws harms nobody") {
    const DescriptorLedger ledger;
    for (const Model model : models) {
        CAPTURE(to_string(model));
        const auto twice = [](Session& session, ByteView bytes) {
            CHECK(session.send(session.peer().to_string()));
            session.send(bytes);
            if (text_of(bytes) == "throw") throw std::runtime_error{"as you wish"};
            return std::size_t{0};
        };
        SocketServer server{Address::ipv4_loopback(0), SessionFunction{twice},
                            datagrams(model, modes.back())};
        const std::jthread thread{[&] { server.serve_forever(); }};
        Asking client{Address::ipv4_loopback(0), server.address()};
        for (const char* const text : {"throw", "again"}) {
            CHECK(client.ask(text).starts_with("127.0.0.1:"));
            CHECK_EQ(client.hear(), text);
        }
        server.shutdown();
    }
}

TEST_CASE("service: a sender without an address cannot be answered") {
    const DescriptorLedger ledger;
    for (const Model model : models) {
        if (model == Model::fork) continue; // it cannot tell
        CAPTURE(to_string(model));
        std::atomic<int> unanswered{0};
        const auto answer = [&](Session& session, ByteView bytes) {
            if (!session.send(bytes)) ++unanswered;
            return bytes.size();
        };
        SocketServer server{abstract_address("unnamed"), SessionFunction{answer},
                            datagrams(model, modes.back())};
        const std::jthread thread{[&] { server.serve_forever(); }};
        Socket nobody = Socket::open(AF_UNIX, SOCK_DGRAM);
        CHECK(nobody.send_to(bytes_of("?"), server.address()).state == IoState::ok);
        while (unanswered == 0) std::this_thread::yield();
        server.shutdown();
    }
}
