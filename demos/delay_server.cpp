// Answers the text "sleep" after a delay and any other at once: who waits keeps nobody waiting. A
// text is what one read gave; an end of line at its back does not count, and comes back. A client
// that ends its side still gets its answers. On SIGTERM those that wait are answered at once.
//
//     delay_server --port 7777 --delay 5s &
//     ncat 127.0.0.1 7777

#include "common/program.hpp"
#include "common/text.hpp"

#include <deque>
#include <map>

using namespace pollux;

namespace {

constexpr std::size_t most_asleep = 100; // of one client; then it is not read from

class DelayServer {
public:
    DelayServer(demos::ServerProgram& program, const std::chrono::milliseconds& delay)
        : program_{program}, delay_{delay} {}

    ConnectionHandlers handlers() {
        return {.on_data =
                    [this](Connection& connection, ByteView data) {
                        answer_or_sleep(connection, text_of(data));
                        return data.size();
                    },
                .on_end =
                    [this](Connection& connection) {
                        clients_[connection.id()].ended = true;
                        answer(connection.id(), Clock::time_point::min());
                    },
                .on_close = [this](Connection& connection,
                                   const Closed&) { clients_.erase(connection.id()); }};
    }

    void answer_all() {
        program_.server().connections().for_each(
            [this](Connection& connection) { answer(connection.id(), Clock::time_point::max()); });
    }

private:
    struct Sleep {
        Clock::time_point due;
        std::string text;
    };
    struct Client {
        std::deque<Sleep> sleeps; // the first is due first: all are of the same length
        bool ended = false;
        Timer timer;
    };

    void answer_or_sleep(Connection& connection, std::string_view text) {
        if (demos::without_line_end(text) != "sleep") {
            connection.send("已收到普通信息:");
            connection.send(text);
            return;
        }
        Client& client = clients_[connection.id()];
        client.sleeps.push_back({Clock::now() + delay_, std::string{text}});
        if (client.sleeps.size() == most_asleep) connection.pause_reading();
        if (client.sleeps.size() > 1) return;
        if (!client.timer)
            client.timer = connection.loop().run_after(
                delay_, [this, id = connection.id()] { answer(id, Clock::now()); });
        client.timer.run_at(client.sleeps.front().due);
    }

    // Answers what is due until then. Sending may end the connection, and with it the client.
    void answer(ConnectionId id, Clock::time_point until) {
        for (auto found = clients_.find(id); found != clients_.end(); found = clients_.find(id)) {
            Connection* const connection = program_.server().connections().find(id);
            if (connection == nullptr) return;
            Client& client = found->second;
            if (client.sleeps.empty()) {
                if (client.ended) connection->close();
                return;
            }
            if (client.sleeps.front().due > until)
                return client.timer.run_at(client.sleeps.front().due);
            const std::string text = std::move(client.sleeps.front().text);
            client.sleeps.pop_front();
            connection->resume_reading();
            connection->send("已收到延时反馈信息:" + text);
        }
    }

    demos::ServerProgram& program_;
    const std::chrono::milliseconds& delay_;
    std::map<ConnectionId, Client> clients_;
};

} // namespace

int main(int argc, char** argv) {
    demos::ServerProgram program{"delay_server",
                                 "Answers \"sleep\" after a delay, all else at once."};
    std::chrono::milliseconds delay{5000};
    program.options().duration("--delay", delay, "how long \"sleep\" sleeps");

    DelayServer server{program, delay};
    program.set_on_leaving([&] { server.answer_all(); });
    return program.run(argc, argv, [&](EventLoop&) { return server.handlers(); });
}
