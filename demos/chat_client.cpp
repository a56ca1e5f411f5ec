// The terminal on one side, a server on the other, on one loop without threads: lines go to the
// server as they are typed, and what arrives is shown at once. `exit` or `quit` leaves; the end of
// the input ends this side only, and what still arrives is shown.
//
//     chat_client --port 7777
//
// What others write cannot move the cursor here: control characters are shown as \xNN.

#include "common/arriving_text.hpp"
#include "common/client.hpp"
#include "common/dialer.hpp"
#include "common/line_input.hpp"
#include "common/program.hpp"
#include "common/text.hpp"

#include <iostream>

using namespace pollux;

namespace {

constexpr std::chrono::milliseconds between_looks{20};

class ChatClient {
public:
    ChatClient(EventLoop& loop, const demos::ClientOptions& client)
        : connections_{loop, handlers(), options(client.trigger)},
          dialer_{connections_, client},
          terminal_{loop, [this](std::string_view line) { say(line); },
                    [this] {
                        if (Connection* server = connections_.find(server_)) server->end();
                    }},
          look_{loop.run_every(between_looks, [this] { go_on(); })} {
        look_.cancel();
        terminal_.pause();
        dialer_.find([this](std::error_code error) {
            if (error) return fail(error.message());
            server_ = dialer_.connect();
            terminal_.resume();
        });
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
        return {.on_data =
                    [this](Connection&, ByteView data) {
                        demos::print(arriving_.take(data));
                        return data.size();
                    },
                .on_close =
                    [this](Connection&, const Closed& closed) {
                        demos::print(arriving_.rest());
                        fail(closed.error != 0 ? demos::to_text(closed) : "");
                    }};
    }

    void fail(const std::string& why) {
        failure_ = why;
        connections_.loop().stop();
    }

    void say(std::string_view line) {
        Connection* server = connections_.find(server_);
        if (server == nullptr) return;
        if (line == "exit" || line == "quit") return server->close();
        server->send(std::string{line} + '\n');
        if (server->queued() <= demos::much_waits) return;
        terminal_.pause();
        look_.run_after(between_looks);
    }

    void go_on() {
        const Connection* server = connections_.find(server_);
        if (server != nullptr && server->queued() > demos::much_waits) return;
        look_.cancel();
        terminal_.resume();
    }

    demos::ArrivingText arriving_;
    std::string failure_;
    ConnectionSet connections_;
    demos::Dialer dialer_;
    ConnectionId server_{};
    demos::LineInput terminal_;
    Timer look_;
};

int run(const demos::ClientOptions& options) {
    EventLoop loop = options.make_loop();
    // NOLINTNEXTLINE(misc-const-correctness): its callbacks change it
    ChatClient client{loop, options};
    loop.run();
    if (client.failure().empty()) return 0;
    std::cerr << "chat_client: " << options.server().to_string() << ": " << client.failure()
              << '\n';
    return 1;
}

} // namespace

int main(int argc, char** argv) {
    demos::Options options{"chat_client", "A terminal's side of a chat."};
    demos::ClientOptions common;
    common.add_to(options);
    return demos::run(options, argc, argv, [&] { return run(common); });
}
