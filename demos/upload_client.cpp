// Sends a file by the naive protocol of upload_server: `NAME-SIZE`, and then the content.
//
//     upload_client --port 7781 notes.txt
//
// Header and content are sent apart, with a pause between them, so that the server may read the
// header alone. That is kindness, not safety: whether it does depends on when it reads, and the
// sender can neither know nor decide that. See upload_server for what goes wrong otherwise.
//
// The server's only answer is its end. So status 0 says that all was sent and the server then
// closed, not that it kept the file.

#include "common/outgoing_file.hpp"
#include "common/program.hpp"

#include <iostream>

using namespace pollux;

namespace {

class UploadClient {
public:
    UploadClient(EventLoop& loop, Trigger trigger, demos::OutgoingFile file,
                 std::chrono::milliseconds pause)
        : loop_{loop},
          file_{std::move(file)},
          pause_{pause},
          sender_{loop},
          connections_{loop, handlers(), {.trigger = trigger}} {}

    void connect(const Address& server) { id_ = connections_.connect(server); }
    /// Empty: all went well.
    const std::string& failure() const { return failure_; }

private:
    ConnectionHandlers handlers() {
        return {.on_open =
                    [this](Connection& connection) {
                        connection.send(file_.name + '-' + std::to_string(file_.size));
                        sent_ = file_.size == 0; // the server may end at once
                        content_ = loop_.run_after(pause_, [this] { send_content(); });
                    },
                .on_end = [](Connection& connection) { connection.close(); },
                .on_drain = [this](Connection& connection) { end_when_sent(connection); },
                .on_close = [this](Connection&, const Closed& closed) { finish(closed); }};
    }

    void send_content() {
        sender_.send(connections_, id_, std::move(file_));
        if (Connection* const connection = connections_.find(id_)) end_when_sent(*connection);
    }

    void end_when_sent(Connection& connection) {
        if (sender_.sending(connection)) return;
        sent_ = true;
        connection.end();
    }

    void finish(const Closed& closed) {
        sender_.give_up();
        content_ = {};
        if (closed.error != 0)
            failure_ = std::error_code{closed.error, std::generic_category()}.message();
        else if (!sent_)
            failure_ = "the server ended before it had all of it";
        loop_.stop();
    }

    EventLoop& loop_;
    demos::OutgoingFile file_;
    std::chrono::milliseconds pause_;
    demos::FileSender sender_;
    ConnectionId id_{};
    Timer content_;
    bool sent_ = false;
    std::string failure_;
    ConnectionSet connections_;
};

int run(const demos::CommonOptions& common, const std::string& path,
        std::chrono::milliseconds pause) {
    const Address server = common.server_address();
    EventLoop loop = common.make_loop();
    UploadClient client{loop, common.trigger, demos::OutgoingFile::open(path), pause};
    client.connect(server);
    loop.run();
    if (client.failure().empty()) return 0;
    std::cerr << "upload_client: " << server.to_string() << ": " << client.failure() << '\n';
    return 1;
}

} // namespace

int main(int argc, char** argv) {
    demos::Options options{"upload_client", "Sends a file by a naive protocol."};
    demos::CommonOptions common;
    std::string path;
    std::chrono::milliseconds pause{50};
    common.add_to_client(options);
    options.duration("--pause", pause, "between header and content");
    options.word("FILE", path, "the file");
    return demos::run(options, argc, argv, [&] { return run(common, path, pause); });
}
