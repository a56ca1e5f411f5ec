// Takes one file from each client by a naive protocol, the way many first programs do it:
//
//     the client sends   NAME-SIZE       and then the SIZE bytes of the file
//
//     mkdir -p inbox; upload_server --port 7781 --dir inbox &
//     upload_client --port 7781 notes.txt
//
// The protocol is broken, and is here to show how. Its header has no end: it is "what the first
// read gives". But TCP carries bytes, not messages, and a read gives what has come so far:
//
//   * Header and content may come in one read ("sticky packets"). The digits of SIZE then run to
//     the first byte that is none, so content that begins with a digit becomes a part of SIZE:
//     `a-1` and `2` is a file of 12 bytes.
//   * The header may come in two reads. The first may hold no SIZE at all, and the upload is
//     refused; or it may hold half of it, and `a-1` of `a-12` is a file of 1 byte.
//   * NAME may hold what looks like a SIZE: `v-2.txt-5` is header alone, or a file `v` of two bytes
//     that begins with `.t`. See `find_header` for who wins.
//   * The client is told nothing. The server closes when SIZE bytes are in, and when it refuses.
//
// transfer_server does it right: a length in front of each message says where it ends, however the
// bytes are cut, and the header is a message of its own in a format that can hold any name.
//
// What is written is kept as there: nothing under its name until it is complete, nothing replaced.

#include "common/file_store.hpp"
#include "common/program.hpp"
#include "common/text.hpp"

#include <charconv>
#include <optional>

using namespace pollux;

namespace {

constexpr std::size_t longest_header = 300; // a name and a number

struct Header {
    std::string_view name;
    std::string_view digits;
    std::size_t size; // bytes of name, '-' and digits
};

std::optional<Header> header_at(std::string_view read, std::size_t dash) {
    const std::size_t end = std::min(read.find_first_not_of("0123456789", dash + 1), read.size());
    if (end == dash + 1) return std::nullopt;
    return Header{read.substr(0, dash), read.substr(dash + 1, end - dash - 1), end};
}

std::optional<std::uint64_t> number_of(std::string_view digits) {
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(digits.begin(), digits.end(), number);
    if (error != std::errc{}) return std::nullopt;
    return number;
}

// How well a header explains the whole read.
int likelihood(const Header& header, std::size_t read) {
    if (demos::harmless(header.name) != header.name) return 0; // it has run into the content
    const std::uint64_t size = number_of(header.digits).value_or(0);
    const std::size_t content = read - header.size;
    if (content == 0) return 4;
    return content == size ? 3 : content < size ? 2 : 1;
}

// Each '-' before a digit may end the name. The likeliest does: one whose digits end the read; else
// one with exactly its SIZE after it; else the first with less than that.
std::optional<Header> find_header(std::string_view read) {
    std::optional<Header> best;
    int best_likelihood = -1;
    for (std::size_t dash = read.find('-'); dash < longest_header;
         dash = read.find('-', dash + 1)) {
        const std::optional<Header> header = header_at(read, dash);
        if (!header) continue;
        const int this_likelihood = likelihood(*header, read.size());
        if (this_likelihood <= best_likelihood) continue;
        best = header;
        best_likelihood = this_likelihood;
    }
    return best;
}

class UploadServer {
public:
    UploadServer(demos::ServerProgram& program, EventLoop& loop,
                 const demos::FileStore::Settings& settings)
        : program_{program}, store_{loop, settings} {}

    void open(Connection& connection) {
        connection.user = new Peer;
        connection.set_deadline(store_.due(0));
    }
    static void close(Connection& connection) { delete &peer_of(connection); }

    std::size_t take(Connection& connection, ByteView bytes) {
        const Peer& peer = peer_of(connection);
        std::size_t taken = 0;
        if (!peer.file) taken = begin(connection, text_of(bytes));
        if (!peer.file) return taken;
        taken += peer.file->take(bytes.subspan(taken));
        follow(connection);
        return taken;
    }

    void end(Connection& connection) { program_.reject(connection, "unfinished"); }

private:
    struct Peer {
        std::shared_ptr<demos::IncomingFile> file; // none before the header
    };
    static Peer& peer_of(Connection& connection) { return *static_cast<Peer*>(connection.user); }

    // How many bytes of the first read are header.
    std::size_t begin(Connection& connection, std::string_view read) {
        const std::optional<Header> header = find_header(read);
        if (!header) return reject(connection, "bad-header");
        // `a--5` is a size below zero.
        const std::optional<std::uint64_t> size = number_of(header->digits);
        if (!size || header->name.ends_with('-')) return reject(connection, "bad-size");
        const std::string_view refusal = store_.refusal(header->name, *size);
        if (!refusal.empty()) return reject(connection, refusal);
        peer_of(connection).file =
            store_.receive(std::string{header->name}, *size, [this, id = connection.id()] {
                if (Connection* const found = program_.server().connections().find(id))
                    follow(*found);
            });
        connection.set_deadline(store_.due(*size));
        return header->size;
    }

    // What the state of its file means for a connection.
    void follow(Connection& connection) {
        using State = demos::IncomingFile::State;
        const demos::IncomingFile& file = *peer_of(connection).file;
        switch (file.state()) {
        case State::open:
            connection.resume_reading();
            return;
        case State::full:
        case State::storing: // what comes now does not belong to the file
            connection.pause_reading();
            return;
        case State::complete:
            connection.close();
            program_.counters().count("files"); // last: there may be no memory for it
            return;
        case State::refused:
            program_.reject(connection, file.reason());
            return;
        }
    }

    std::size_t reject(Connection& connection, std::string_view reason) {
        program_.reject(connection, reason);
        return 0;
    }

    demos::ServerProgram& program_;
    demos::FileStore store_;
};

} // namespace

int main(int argc, char** argv) {
    demos::ServerProgram program{"upload_server",
                                 "Takes a file from each client by a naive protocol."};
    demos::FileStore::Settings settings;
    settings.add_to(program.options());
    program.sandbox().allow(demos::Permission::keep_files);
    return program.run(argc, argv, [&](EventLoop& loop) {
        const auto server = std::make_shared<UploadServer>(program, loop, settings);
        return ConnectionHandlers{
            .on_open = [server](Connection& connection) { server->open(connection); },
            .on_data = [server](Connection& connection,
                                ByteView bytes) { return server->take(connection, bytes); },
            .on_end = [server](Connection& connection) { server->end(connection); },
            .on_close = [](Connection& connection,
                           const Closed&) { UploadServer::close(connection); }};
    });
}
