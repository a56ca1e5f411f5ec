// Sends back what it receives with the bytes a to z as A to Z. All others stay as they are, so
// UTF-8 stays UTF-8 however it is cut: no byte of a longer character is one of a to z.
//
//     upper_server --port 7777 &
//     ncat 127.0.0.1 7777

#include "common/program.hpp"

#include <algorithm>

using namespace pollux;

int main(int argc, char** argv) {
    demos::ServerProgram program{"upper_server", "Sends back what it receives in upper case."};
    return program.run(argc, argv, [](EventLoop&) {
        return ConnectionHandlers{.on_data = [](Connection& connection, ByteView data) {
            std::string text{text_of(data)};
            std::transform(text.begin(), text.end(), text.begin(), [](char byte) {
                return byte >= 'a' && byte <= 'z' ? static_cast<char>(byte - 'a' + 'A') : byte;
            });
            connection.send(text);
            return data.size();
        }};
    });
}
