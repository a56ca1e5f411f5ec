// Prints each read with its sender, and answers nothing: shows where a stream is cut on its way,
// which is not where the sender cut it.
//
//     print_server --port 7777 &
//     ncat 127.0.0.1 7777

#include "common/program.hpp"
#include "common/text.hpp"

#include <map>

using namespace pollux;

int main(int argc, char** argv) {
    demos::ServerProgram program{"print_server",
                                 "Prints each read with its sender, answers nothing."};
    // Kept, because a client that has reset its connection cannot be asked any more.
    std::map<ConnectionId, std::string> senders;
    return program.run(argc, argv, [&](EventLoop&) {
        return ConnectionHandlers{
            .on_open =
                [&](Connection& client) { senders[client.id()] = client.peer().to_string(); },
            .on_data =
                [&](Connection& client, ByteView data) {
                    demos::print_line(text_of(data), senders[client.id()] + ": ");
                    return data.size();
                },
            .on_close = [&](Connection& client, const Closed&) { senders.erase(client.id()); }};
    });
}
