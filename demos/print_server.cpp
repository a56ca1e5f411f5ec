// Prints each read with its sender, and answers nothing: shows where a stream is cut on its way,
// which is not where the sender cut it.
//
//     print_server --port 7777 &
//     ncat 127.0.0.1 7777

#include "common/program.hpp"
#include "common/text.hpp"

using namespace pollux;

int main(int argc, char** argv) {
    demos::ServerProgram program{"print_server",
                                 "Prints each read with its sender, answers nothing."};
    return program.run(argc, argv, [](EventLoop&) {
        return ConnectionHandlers{.on_data = [](Connection& connection, ByteView data) {
            demos::print_line(text_of(data), connection.peer().to_string() + ": ");
            return data.size();
        }};
    });
}
