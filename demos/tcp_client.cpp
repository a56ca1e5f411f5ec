// Standard input goes to a server and what it says to standard output, on one loop: the other side
// of echo_server, hello_server, guess_who_server, line_server and upper_server. The end of the
// input ends the sending side; the program ends when the server ends.
//
//     echo_server --port 7777 &
//     tcp_client --port 7777

#include "common/client.hpp"
#include "common/dialer.hpp"
#include "common/line_input.hpp"
#include "common/output.hpp"
#include "common/program.hpp"

#include <iostream>

using namespace pollux;

namespace {

class TcpClient {
public:
    TcpClient(EventLoop& loop, const demos::ClientOptions& options, bool bare)
        : loop_{loop},
          connections_{loop, handlers(), demos::client_options(options.trigger)},
          dialer_{connections_, options},
          input_{loop, [this](std::string_view text) { send(text); }, [this] { end(); }} {
        if (!bare) input_.take_as_it_is();
        input_.pause();
        dialer_.find([this](std::error_code error) {
            if (error) return fail(error.message());
            id_ = dialer_.connect();
            input_.resume();
        });
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
        if (connection != nullptr && connection->queued() > demos::much_waits) input_.pause();
    }

    void end() {
        if (Connection* const connection = connections_.find(id_)) connection->end();
    }

    void finish(const Closed& closed) {
        output_.finish();
        if (closed.reason != CloseReason::peer) return fail(demos::to_text(closed));
        loop_.stop();
    }

    void fail(const std::string& why) {
        std::cerr << "tcp_client: " << dialer_.server().to_string() << ": " << why << '\n';
        status_ = 1;
        loop_.stop();
    }

    EventLoop& loop_;
    int status_ = 0;
    demos::Output output_;
    ConnectionSet connections_;
    demos::Dialer dialer_;
    ConnectionId id_{};
    demos::LineInput input_;
};

} // namespace

int main(int argc, char** argv) {
    demos::Options options{"tcp_client", "Standard input to a server, and its answers to standard "
                                         "output."};
    demos::ClientOptions common;
    bool bare = false;
    common.add_to(options);
    options.flag("--bare", bare, "send lines without their end, as Python's input() gives them");
    return demos::run(options, argc, argv, [&] {
        EventLoop loop = common.make_loop();
        // NOLINTNEXTLINE(misc-const-correctness): its callbacks change it
        TcpClient client{loop, common, bare};
        loop.run();
        return client.status();
    });
}
