// Reads everything and answers nothing (RFC 863). When the client ends its side the server ends
// too, so that a client that waits for the end knows that all of it has been read.
//
//     discard_server --port 7778 &
//     ncat --send-only 127.0.0.1 7778 < file

#include "common/program.hpp"

using namespace pollux;

int main(int argc, char** argv) {
    demos::ServerProgram program{"discard_server", "Reads everything and answers nothing."};
    return program.run(argc, argv, [](EventLoop&) {
        return ConnectionHandlers{
            .on_data = [](Connection&, ByteView data) { return data.size(); }};
    });
}
