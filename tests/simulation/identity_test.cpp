// Nobody gets what was meant for another, however fast descriptors are reused.

#include "serving.hpp"

#include <map>

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
              everywhere) {
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
