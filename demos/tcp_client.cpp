// Standard input goes to a server and what it says to standard output, on one loop: the other side
// of echo_server, hello_server, guess_who_server, line_server and upper_server. The end of the
// input ends the sending side; the program ends when the server ends.
//
//     echo_server --port 7777 &
//     tcp_client --port 7777

#include "common/client.hpp"
#include "common/line_input.hpp"
#include "common/output.hpp"
#include "common/program.hpp"

#include <iostream>

using namespace pollux;

namespace {

class TcpClient {
public:
    TcpClient(EventLoop& loop, const Address& server, ConnectionOptions options, bool bare)
        : loop_{loop},
          high_water_{options.high_water},
          server_{server},
          connections_{loop, handlers(), options},
          id_{connections_.connect(server)},
          input_{loop, [this](std::string_view text) { send(text); }, [this] { end(); }} {
        if (!bare) input_.take_as_it_is();
    }

    int status() const { return status_; }

private:
    ConnectionHandlers handlers() {
        return {.on_data =
                    [this](Connection&, ByteView bytes) {
                        output_.print(bytes);
                        return bytes.size();
                    },
                .on_drain = [this](Connection&) { input_.resume(); },
                .on_close = [this](Connection&, const Closed& closed) { finish(closed); }};
    }

    void send(std::string_view text) {
        Connection* connection = connections_.find(id_);
        if (connection == nullptr) return;
        connection->send(text);
        connection = connections_.find(id_); // sending may end it
        if (connection != nullptr && connection->queued() > high_water_) input_.pause();
    }

    void end() {
        if (Connection* const connection = connections_.find(id_)) connection->end();
    }

    void finish(const Closed& closed) {
        output_.finish();
        if (closed.reason != CloseReason::peer) {
            std::cerr << "tcp_client: " << server_.to_string() << ": " << demos::to_text(closed)
                      << '\n';
            status_ = 1;
        }
        loop_.stop();
    }

    EventLoop& loop_;
    std::size_t high_water_;
    Address server_;
    int status_ = 0;
    demos::Output output_;
    ConnectionSet connections_;
    ConnectionId id_;
    demos::LineInput input_;
};

} // namespace

int main(int argc, char** argv) {
    demos::Options options{"tcp_client", "Standard input to a server, and its answers to standard "
                                         "output."};
    demos::CommonOptions common;
    bool bare = false;
    common.add_to_client(options);
    options.flag("--bare", bare, "send lines without their end, as Python's input() gives them");
    return demos::run(options, argc, argv, [&] {
        const Address server = common.server_address();
        EventLoop loop = common.make_loop();
        const TcpClient client{loop, server, demos::client_options(common.trigger), bare};
        loop.run();
        return client.status();
    });
}
