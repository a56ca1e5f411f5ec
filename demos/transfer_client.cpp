// Sends texts and files to a transfer_server, as told by lines of standard input:
//
//     msg|TEXT     a text
//     file|PATH    a file, under the last part of its path
//     q            the end: the server is told, and its end awaited
//
//     transfer_client --port 7780
//
// The end of the input is an end too. Ends with 0 when all that was asked for was sent and the
// server then ended, with 1 when a line could not be obeyed or the server ended before it was asked
// to. The server answers nothing: when it refuses what it has got whole, it ends like any other.

#include "common/client.hpp"
#include "common/dialer.hpp"
#include "common/line_input.hpp"
#include "common/outgoing_file.hpp"
#include "common/program.hpp"
#include "common/text.hpp"
#include "common/transfer_header.hpp"

#include <array>
#include <iostream>
#include <limits>
#include <pollux/stream/framing.hpp>
#include <stdexcept>

using namespace pollux;

namespace {

constexpr std::uint64_t longest_frame = std::numeric_limits<std::int32_t>::max();

class TransferClient {
public:
    TransferClient(EventLoop& loop, const demos::ClientOptions& options)
        : loop_{loop},
          sender_{loop},
          connections_{loop, handlers(), {.trigger = options.trigger}},
          dialer_{connections_, options},
          input_{loop, [this](std::string_view line) { obey(line); }, [this] { end(); }} {
        input_.pause();
        dialer_.find([this](std::error_code error) {
            if (error) return fail(error.message());
            id_ = dialer_.connect();
            input_.resume();
        });
    }

    /// Why the connection failed; empty when it did not.
    const std::string& failure() const { return failure_; }
    /// Whether each line could be.
    bool obeyed() const { return obeyed_; }

private:
    ConnectionHandlers handlers() {
        return {.on_data =
                    [](Connection&, ByteView bytes) {
                        demos::print(demos::harmless(text_of(bytes), "\n"));
                        return bytes.size();
                    },
                .on_end = [](Connection& connection) { connection.close(); },
                .on_drain = [this](Connection& connection) { go_on_when_sent(connection); },
                .on_close = [this](Connection&, const Closed& closed) { finish(closed); }};
    }

    void obey(std::string_view line) {
        if (leaving_ || line.empty()) return;
        if (line == "q") {
            send(frame_of("close"));
            leaving_ = true;
        } else if (line.starts_with("msg|")) {
            send(frame_of(demos::TransferHeader{demos::TransferHeader::Kind::message}.to_json()) +
                 frame_of(line.substr(4)));
        } else if (line.starts_with("file|")) {
            send_file(std::string{line.substr(5)});
        } else {
            complain("say msg|TEXT, file|PATH or q");
        }
        if (Connection* const connection = connections_.find(id_)) go_on_when_sent(*connection);
    }

    void send_file(const std::string& path) try {
        using Header = demos::TransferHeader;
        demos::OutgoingFile file = demos::OutgoingFile::open(path);
        if (file.size > longest_frame)
            throw std::invalid_argument{path + " is over 2^31-1 bytes, the most a frame can hold"};
        send(frame_of(Header{Header::Kind::file, file.name}.to_json()) + head_of(file.size));
        sender_.send(connections_, id_, std::move(file));
    } catch (const std::exception& error) {
        complain(error.what());
    }

    static std::string head_of(std::uint64_t length) {
        std::array<std::byte, LengthFraming::head> head{};
        LengthFraming::put_length(static_cast<std::int32_t>(length), head);
        return std::string{text_of(head)};
    }
    static std::string frame_of(std::string_view message) {
        return head_of(message.size()).append(message);
    }

    void send(std::string_view frames) {
        if (Connection* const connection = connections_.find(id_)) connection->send(frames);
    }

    // The next line waits for a file, and for a server that does not read.
    void go_on_when_sent(Connection& connection) {
        if (sender_.sending(connection) || connection.queued() > ConnectionOptions{}.high_water)
            input_.pause();
        else
            input_.resume();
    }

    void end() {
        Connection* const connection = connections_.find(id_);
        if (connection != nullptr && !leaving_) connection->end();
        leaving_ = true;
    }

    void finish(const Closed& closed) {
        sender_.give_up();
        if (closed.error != 0) return fail(demos::to_text(closed));
        fail(leaving_ ? "" : "the server ended the connection");
    }

    void fail(const std::string& why) {
        failure_ = why;
        loop_.stop();
    }

    void complain(std::string_view what) {
        std::cerr << "transfer_client: " << demos::harmless(what) << std::endl;
        obeyed_ = false;
    }

    EventLoop& loop_;
    demos::FileSender sender_;
    ConnectionId id_{};
    bool leaving_ = false;
    bool obeyed_ = true;
    std::string failure_;
    ConnectionSet connections_;
    demos::Dialer dialer_;
    demos::LineInput input_;
};

int run(const demos::ClientOptions& common) {
    EventLoop loop = common.make_loop();
    // NOLINTNEXTLINE(misc-const-correctness): its callbacks change it
    TransferClient client{loop, common};
    loop.run();
    if (client.failure().empty()) return client.obeyed() ? 0 : 1;
    std::cerr << "transfer_client: " << common.server().to_string() << ": " << client.failure()
              << '\n';
    return 1;
}

} // namespace

int main(int argc, char** argv) {
    demos::Options options{"transfer_client", "Sends texts and files in frames."};
    demos::ClientOptions common;
    common.add_to(options);
    return demos::run(options, argc, argv, [&] { return run(common); });
}
