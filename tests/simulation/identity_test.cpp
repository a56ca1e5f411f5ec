// Nobody gets what was meant for another, however fast descriptors are reused.

#include "serving.hpp"

#include <array>
#include <functional>
#include <map>
#include <utility>

using namespace pollux;
using namespace pollux_test;

namespace {

// Each client sends only its own letter. Of some letters all other connections are aborted.
class Letters {
public:
    explicit Letters(NotingServer*& server) : server_{server} {}

    void change(ConnectionHandlers& handlers) {
        handlers.on_open = [this](Connection& connection) {
            expect(letters_.emplace(connection.id(), '\0').second, "an id is used again");
        };
        handlers.on_data = [this](Connection& connection, ByteView bytes) {
            for (const char letter : text_of(bytes)) take(connection, letter);
            return bytes.size();
        };
        handlers.on_close = [this](Connection& connection, const Closed& closed) {
            expect(letters_.erase(connection.id()) == 1, "closed once");
            server_->seen.closed.push_back(closed);
        };
    }

private:
    void take(Connection& from, char letter) {
        const auto found = letters_.find(from.id());
        expect(found != letters_.end(), "nothing comes after the end");
        expect(found->second == '\0' || found->second == letter, "a letter of somebody else");
        found->second = letter;
        if (letter < 'c') return;
        server_->server->connections().for_each([&](Connection& other) {
            if (&other != &from) other.abort();
        });
    }

    NotingServer*& server_;
    std::map<ConnectionId, char> letters_;
};

} // namespace

CONTRACT_CASE("D1 D2 no event of a connection reaches another that has its descriptor",
              where_simulated) {
    const auto trial = [&](Simulation& simulation, Choices& choices) {
        NotingServer* place = nullptr;
        Letters letters{place};
        NotingServer server{
            mode, {}, [&](ConnectionHandlers& handlers) { letters.change(handlers); }};
        place = &server;
        Clients clients{simulation, choices};
        for (const char letter : {'a', 'b', 'c', 'd', 'a', 'b'})
            clients.add(Script{}
                            .may_be_cut()
                            .send(std::string(3, letter))
                            .perhaps_leave()
                            .end()
                            .read_to_end());
        pollux::run_until(server.loop, [&] {
            return clients.all_done() && server.server->connections().size() == 0;
        });
        clients.check();
    };
    check_all(mode, thorough(200, 500), in_simulation(small_scope(), trial));
}

// Three have something to read. Each who is called may put somebody new, who has nothing, in
// anyone's place: on the same number, and where that one's watch was.
CONTRACT_CASE("whoever is new is not called for who had its number, in every order",
              where_simulated) {
    const auto trial = [&](Simulation& simulation, Choices& choices) {
        EventLoop loop{mode.backend};
        Socket listening = Socket::listen(Address::ipv4_loopback(7777));
        std::array<std::pair<Socket, Watch>, 3> guests;
        const std::function<void(std::size_t, bool)> welcome = [&](std::size_t place, bool speaks) {
            auto& [socket, watch] = guests.at(place);
            watch.stop();
            socket.close();
            socket = listening.accept().socket;
            watch = loop.watch(socket.fd(), Interest::read, mode.trigger, [&, speaks](Readiness) {
                expect(speaks, "who is called has something to read");
                const std::size_t leaves = choices.choose("who is replaced", 4);
                if (leaves > 0) welcome(leaves - 1, false);
            });
        };
        for (std::size_t place = 0; place < guests.size(); ++place) {
            simulation.connect(listening.local()).send("x");
            welcome(place, true);
        }
        for (int i = 0; i < 6; ++i) simulation.connect(listening.local());
        for (int i = 0; i < 2; ++i) loop.run_once(std::chrono::seconds{0});
    };
    Variations vary = Variations::none();
    vary.order_of_events = true;
    const Exploration found = check_all(mode, {.exhaustive_runs = 20'000, .random_runs = 0},
                                        in_simulation(small_scope(vary), trial));
    CHECK(found.all);
}
