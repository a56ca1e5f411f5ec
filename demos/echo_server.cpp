// Sends back what it receives: the smallest server on a Server.
//
//     echo_server --port 7777 &
//     ncat 127.0.0.1 7777

#include "common/program.hpp"

using namespace pollux;

int main(int argc, char** argv) {
    demos::ServerProgram program{"echo_server", "Sends back what it receives."};
    std::string greeting;
    std::string prefix;
    program.options().text("--greeting", greeting, "text sent to each client on accept");
    program.options().text("--prefix", prefix, "text put before each echoed read");

    return program.run(argc, argv, [&](EventLoop&) {
        return ConnectionHandlers{
            .on_open = [&](Connection& connection) { connection.send(greeting); },
            .on_data =
                [&](Connection& connection, ByteView data) {
                    // Both leave in one system call, when this returns.
                    connection.send(prefix);
                    connection.send(data);
                    return data.size();
                }};
    });
}
