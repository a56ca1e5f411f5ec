// The terminal on one side, a server on the other, on one loop without threads: lines go to the
// server as they are typed, and what arrives is shown at once. `exit` or `quit` leaves; the end of
// the input ends this side only, and what still arrives is shown.
//
//     chat_client --port 7777
//
// What others write cannot move the cursor here: control characters are shown as \xNN.

#include "common/arriving_text.hpp"
#include "common/line_input.hpp"
#include "common/program.hpp"
#include "common/text.hpp"

#include <iostream>

using namespace pollux;

namespace {

// More than this waits for the server: nothing more is read from the terminal.
constexpr std::size_t much_waits = std::size_t{1} << 18;
constexpr std::chrono::milliseconds between_looks{20};

class ChatClient {
public:
    ChatClient(EventLoop& loop, const Address& address, Trigger trigger)
        : connections_{loop, handlers(), options(trigger)},
          server_{connections_.connect(address)},
          terminal_{loop, [this](std::string_view line) { say(line); },
                    [this] {
                        if (Connection* server = connections_.find(server_)) server->end();
                    }},
          look_{loop.run_every(between_looks, [this] { go_on(); })} {
        look_.cancel();
    }

    /// Why it was not a good end; empty when it was.
    const std::string& failure() const { return failure_; }

private:
    // It goes on reading whatever waits to be sent: where both sides stop reading until the other
    // reads, both stand still for ever. The terminal waits instead.
    static ConnectionOptions options(Trigger trigger) {
        ConnectionOptions options;
        options.trigger = trigger;
        options.high_water = options.low_water = options.output_limit;
        options.linger_timeout = std::chrono::seconds{1};
        return options;
    }

    ConnectionHandlers handlers() {
        return {
            .on_data =
                [this](Connection&, ByteView data) {
                    demos::print(arriving_.take(data));
                    return data.size();
                },
            .on_close =
                [this](Connection& connection, const Closed& closed) {
                    demos::print(arriving_.rest());
                    if (closed.error != 0)
                        failure_ = std::error_code{closed.error, std::generic_category()}.message();
                    connection.loop().stop();
                }};
    }

    void say(std::string_view line) {
        Connection* server = connections_.find(server_);
        if (server == nullptr) return;
        if (line == "exit" || line == "quit") return server->close();
        server->send(std::string{line} + '\n');
        if (server->queued() <= much_waits) return;
        terminal_.pause();
        look_.run_after(between_looks);
    }

    void go_on() {
        const Connection* server = connections_.find(server_);
        if (server != nullptr && server->queued() > much_waits) return;
        look_.cancel();
        terminal_.resume();
    }

    demos::ArrivingText arriving_;
    std::string failure_;
    ConnectionSet connections_;
    ConnectionId server_;
    demos::LineInput terminal_;
    Timer look_;
};

int run(const demos::CommonOptions& options) {
    const Address server = options.server_address();
    EventLoop loop = options.make_loop();
    const ChatClient client{loop, server, options.trigger};
    loop.run();
    if (client.failure().empty()) return 0;
    std::cerr << "chat_client: " << server.to_string() << ": " << client.failure() << '\n';
    return 1;
}

} // namespace

int main(int argc, char** argv) {
    demos::Options options{"chat_client", "A terminal's side of a chat."};
    demos::CommonOptions common;
    common.add_to_client(options);
    return demos::run(options, argc, argv, [&] { return run(common); });
}
