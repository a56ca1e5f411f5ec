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

#include "common/client.hpp"
#include "common/dialer.hpp"
#include "common/outgoing_file.hpp"
#include "common/program.hpp"

#include <iostream>

using namespace pollux;

namespace {

class UploadClient {
public:
    UploadClient(EventLoop& loop, const demos::ClientOptions& options, demos::OutgoingFile file,
                 std::chrono::milliseconds pause)
        : loop_{loop},
          file_{std::move(file)},
          pause_{pause},
          sender_{loop},
          connections_{loop, handlers(), {.trigger = options.trigger}},
          dialer_{connections_, options} {
        dialer_.find([this](std::error_code error) {
            if (error) return fail(error.message());
            id_ = dialer_.connect();
        });
    }

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
        if (closed.error != 0) return fail(demos::to_text(closed));
        fail(sent_ ? "" : "the server ended before it had all of it");
    }

    void fail(const std::string& why) {
        failure_ = why;
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
    demos::Dialer dialer_;
};

int run(const demos::ClientOptions& common, const std::string& path,
        std::chrono::milliseconds pause) {
    EventLoop loop = common.make_loop();
    // NOLINTNEXTLINE(misc-const-correctness): its callbacks change it
    UploadClient client{loop, common, demos::OutgoingFile::open(path), pause};
    loop.run();
    if (client.failure().empty()) return 0;
    std::cerr << "upload_client: " << common.server().to_string() << ": " << client.failure()
              << '\n';
    return 1;
}

} // namespace

int main(int argc, char** argv) {
    demos::Options options{"upload_client", "Sends a file by a naive protocol."};
    demos::ClientOptions common;
    std::string path;
    std::chrono::milliseconds pause{50};
    common.add_to(options);
    options.duration("--pause", pause, "between header and content");
    options.word("FILE", path, "the file");
    return demos::run(options, argc, argv, [&] { return run(common, path, pause); });
}
