// Prints messages framed by their length, a signed 32-bit little-endian number: each as one line,
// however the stream was cut on its way. A length below zero or over the limit, and a message that
// is not finished when the client ends or in time, are refused.
//
//     frame_server --port 7777 &
//     python3 -c 'import struct, sys; text = b"Hi"
//     sys.stdout.buffer.write(struct.pack("<i", len(text)) + text)' | ncat 127.0.0.1 7777

#include "common/messages.hpp"
#include "common/text.hpp"

using namespace pollux;

int main(int argc, char** argv) {
    demos::ServerProgram program{"frame_server",
                                 "Prints messages framed by their length, each as one line."};
    demos::MessageLimits limits{.size = std::uint64_t{1} << 20};
    limits.add_to(program.options());

    return program.run(argc, argv, [&](EventLoop&) {
        return demos::message_handlers(
            program, LengthFraming{limits.size}, limits, "bad-length",
            [](Connection&, ByteView message) { demos::print_line(text_of(message)); });
    });
}
