// Takes texts and files in frames: a length (signed, 32 bits, little-endian) and as many bytes.
//
//     {"msg_type":"msg"}                       is followed by a frame of text, which is printed
//     {"msg_type":"file","file_name":"NAME"}   is followed by a frame with the content of a file
//     close                                    the server closes
//
//     mkdir -p inbox; transfer_server --port 7780 --dir inbox &
//     transfer_client --port 7780
//
// However the bytes are cut on the way, the result is the same: the lengths say where each message
// ends (compare upload_server). A file is written on threads of its own while it comes in, never
// whole in memory, and appears under its name only when it is complete. A frame's length makes
// 2^31-1 bytes the largest file. A file that exists is not replaced: of two uploads of one name
// the second to finish is refused (`name-taken`). A message that was begun must be complete before
// --timeout, or the client is cut; between messages it may take its time. Nothing is answered;
// --stats counts the reasons.

#include "common/file_store.hpp"
#include "common/program.hpp"
#include "common/text.hpp"
#include "common/transfer_header.hpp"

#include <pollux/stream/framing.hpp>

using namespace pollux;

namespace {

constexpr std::size_t header_limit = 4096;
constexpr std::size_t text_limit = std::size_t{1} << 20;

class TransferServer {
public:
    TransferServer(demos::ServerProgram& program, EventLoop& loop,
                   const demos::FileStore::Settings& settings)
        : program_{program}, store_{loop, settings} {}

    static void open(Connection& connection) { connection.user = new Peer; }
    static void close(Connection& connection) { delete &peer_of(connection); }

    std::size_t take(Connection& connection, ByteView bytes) {
        std::size_t taken = 0;
        while (const std::size_t more = take_some(connection, bytes.subspan(taken))) taken += more;
        Peer& peer = peer_of(connection);
        const bool partial = taken < bytes.size();
        if (partial && !peer.partial && peer.expected == Expected::header)
            connection.set_deadline(store_.due(0));
        peer.partial = partial;
        return taken;
    }

    void end(Connection& connection) {
        const Peer& peer = peer_of(connection);
        if (peer.expected == Expected::header && !peer.partial)
            connection.close();
        else
            program_.reject(connection, "unfinished");
    }

private:
    enum class Expected : std::uint8_t { header, text, length, content, nothing };
    struct Peer {
        Expected expected = Expected::header;
        bool partial = false; // a part of it has come
        std::string file_name;
        std::shared_ptr<demos::IncomingFile> file;
    };
    static Peer& peer_of(Connection& connection) { return *static_cast<Peer*>(connection.user); }

    // Before a header a client may take its time.
    void expect(Connection& connection, Expected next, std::uint64_t file_size = 0) {
        Peer& peer = peer_of(connection);
        peer.expected = next;
        peer.partial = false;
        connection.set_deadline(next == Expected::header ? Clock::time_point::max()
                                                         : store_.due(file_size));
    }

    // How many bytes it took from the front; 0 when nothing can be done with them, yet or at all.
    std::size_t take_some(Connection& connection, ByteView bytes) {
        switch (peer_of(connection).expected) {
        case Expected::header:
            return take_frame(connection, bytes, header_limit);
        case Expected::text:
            return take_frame(connection, bytes, text_limit);
        case Expected::length:
            return take_length(connection, bytes);
        case Expected::content:
            return take_content(connection, bytes);
        case Expected::nothing:
            break;
        }
        return 0;
    }

    std::size_t take_frame(Connection& connection, ByteView bytes, std::size_t limit) {
        const Frame frame = LengthFraming{limit}.first(bytes);
        if (frame.state == Frame::State::refused) reject(connection, "bad-length");
        if (frame.state != Frame::State::complete) return 0;
        const Peer& peer = peer_of(connection);
        const std::string_view text = text_of(frame.message);
        if (peer.expected == Expected::header) {
            begin(connection, text);
        } else {
            demos::print(demos::harmless(text) + '\n');
            program_.counters().count("messages");
            expect(connection, Expected::header);
        }
        return frame.size;
    }

    void begin(Connection& connection, std::string_view text) {
        Peer& peer = peer_of(connection);
        if (text == "close") {
            peer.expected = Expected::nothing;
            connection.close();
            return;
        }
        using Kind = demos::TransferHeader::Kind;
        demos::TransferHeader header = demos::TransferHeader::parse(text);
        if (header.kind == Kind::message) {
            expect(connection, Expected::text);
        } else if (header.kind == Kind::file) {
            expect(connection, Expected::length);
            peer.file_name = std::move(header.file_name);
        } else {
            reject(connection, header.kind == Kind::malformed ? "bad-json" : "bad-header");
        }
    }

    std::size_t take_length(Connection& connection, ByteView bytes) {
        if (bytes.size() < LengthFraming::head) return 0;
        Peer& peer = peer_of(connection);
        const std::int32_t length = LengthFraming::length(bytes);
        const auto size = static_cast<std::uint64_t>(length);
        const std::string_view refusal =
            length < 0 ? "bad-length" : store_.refusal(peer.file_name, size);
        if (!refusal.empty()) {
            reject(connection, refusal);
            return 0;
        }
        expect(connection, Expected::content, size);
        peer.file = store_.receive(std::move(peer.file_name), size, [this, id = connection.id()] {
            if (Connection* const found = program_.server().connections().find(id)) follow(*found);
        });
        follow(connection);
        return LengthFraming::head;
    }

    std::size_t take_content(Connection& connection, ByteView bytes) {
        const std::size_t taken = peer_of(connection).file->take(bytes);
        if (taken > 0) follow(connection);
        return taken;
    }

    // What the state of its file means for a connection.
    void follow(Connection& connection) {
        using State = demos::IncomingFile::State;
        Peer& peer = peer_of(connection);
        switch (peer.file->state()) {
        case State::open:
            connection.resume_reading();
            return;
        case State::full:
        case State::storing:
            connection.pause_reading();
            return;
        case State::complete:
            peer.file.reset();
            expect(connection, Expected::header);
            connection.resume_reading();
            program_.counters().count("files"); // last: there may be no memory for it
            return;
        case State::refused:
            reject(connection, peer.file->reason());
            return;
        }
    }

    void reject(Connection& connection, std::string_view reason) {
        Peer& peer = peer_of(connection);
        peer.expected = Expected::nothing;
        program_.reject(connection, reason);
    }

    demos::ServerProgram& program_;
    demos::FileStore store_;
};

} // namespace

int main(int argc, char** argv) {
    demos::ServerProgram program{"transfer_server",
                                 "Takes texts and files in frames and keeps the files."};
    demos::FileStore::Settings settings;
    settings.add_to(program.options());
    program.sandbox().allow(demos::Permission::keep_files);
    // A text that is not complete yet is left in the connection.
    program.limits().connection.input_limit = text_limit * 2;
    return program.run(argc, argv, [&](EventLoop& loop) {
        const auto server = std::make_shared<TransferServer>(program, loop, settings);
        return ConnectionHandlers{
            .on_open = TransferServer::open,
            .on_data = [server](Connection& connection,
                                ByteView bytes) { return server->take(connection, bytes); },
            .on_end = [server](Connection& connection) { server->end(connection); },
            .on_close = [](Connection& connection,
                           const Closed&) { TransferServer::close(connection); }};
    });
}
