// The first server of every tutorial: prints the first bytes of a client, answers, and closes.
//
//     hello_server --port 7777 &
//     echo Hi | ncat 127.0.0.1 7777

#include "common/program.hpp"
#include "common/text.hpp"

using namespace pollux;

int main(int argc, char** argv) {
    demos::ServerProgram program{"hello_server",
                                 "Prints what a client says first, answers, and closes."};
    std::string reply = "Hello World";
    program.options().text("--reply", reply, "the answer");

    return program.run(argc, argv, [&](EventLoop&) {
        return ConnectionHandlers{.on_data = [&](Connection& connection, ByteView data) {
            demos::print_line(text_of(data));
            connection.send(reply);
            connection.close();
            return data.size();
        }};
    });
}
