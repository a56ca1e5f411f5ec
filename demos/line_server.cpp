// Sends back each line, a text that ends with \n: however the stream was cut on its way, lines come
// whole. A line over the limit, and one that is not finished when the client ends or in time, are
// refused.
//
//     line_server --port 7777 &
//     ncat 127.0.0.1 7777

#include "common/messages.hpp"

using namespace pollux;

int main(int argc, char** argv) {
    demos::ServerProgram program{"line_server", "Sends back each line."};
    demos::MessageLimits limits{.size = std::uint64_t{1} << 16};
    limits.add_to(program.options());

    return program.run(argc, argv, [&](EventLoop&) {
        // The answers to one read may be more than a line.
        ConnectionOptions& output = program.limits().connection;
        output.output_limit = std::max(output.output_limit, 2 * (output.high_water + limits.size));
        return demos::message_handlers(program, LineFraming{limits.size}, limits, "long-line",
                                       [](Connection& connection, ByteView line) {
                                           connection.send(line);
                                           connection.send("\n");
                                       });
    });
}
