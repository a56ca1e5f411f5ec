// Sends back what it receives with the bytes a to z as A to Z: one handler, in every model. What
// the models are and cost is said in one small file for each, to be read side by side:
// engine/src/service/iterative.cpp, threads.cpp, pool.cpp, fork.cpp, reactor.cpp, multi.cpp,
// coroutine.cpp.
//
// The tutorials' version upper-cases text, and decodes what one read gave: a character that is cut
// in two ends it, and the German sharp s becomes two letters. Here all other bytes stay as they
// are, so UTF-8 stays UTF-8 however it is cut: no byte of a longer character is one of a to z.
//
//     upper_server --port 7777 --model threads &
//     ncat 127.0.0.1 7777

#include "common/service_program.hpp"

#include <algorithm>

using namespace pollux;

namespace {

class Upper final : public Session {
    std::size_t on_data(ByteView bytes) override {
        std::string text{text_of(bytes)};
        std::transform(text.begin(), text.end(), text.begin(), [](char byte) {
            return byte >= 'a' && byte <= 'z' ? static_cast<char>(byte - 'a' + 'A') : byte;
        });
        send(text);
        return bytes.size();
    }
};

} // namespace

int main(int argc, char** argv) {
    demos::ServiceProgram program{"upper_server", "Sends back what it receives in upper case."};
    return program.run(argc, argv, [] { return std::make_unique<Upper>(); });
}
