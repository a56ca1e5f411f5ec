// Greets each client, and sends back each text with one of its characters, chosen at random, hidden
// wherever it stands. Characters, not bytes: what is no UTF-8 comes back unchanged. The end of a
// line at the back is not chosen.
//
//     guess_who_server --port 7777 &
//     ncat 127.0.0.1 7777

#include "common/program.hpp"
#include "common/text.hpp"

#include <random>
#include <vector>

using namespace pollux;

namespace {

using Random = std::mt19937_64;

std::vector<std::string_view> characters(std::string_view text) {
    std::vector<std::string_view> result;
    while (!text.empty()) {
        result.push_back(text.substr(0, demos::front_character(text)));
        text.remove_prefix(result.back().size());
    }
    return result;
}

// Some UTF-8 with one of its characters hidden.
std::string hide_one(std::string_view text, Random& random) {
    const std::string_view line = demos::without_line_end(text);
    const std::vector<std::string_view> all = characters(line.empty() ? text : line);
    const std::string_view hidden =
        all[std::uniform_int_distribution<std::size_t>{0, all.size() - 1}(random)];
    std::string result;
    for (const std::string_view character : characters(text))
        result += character == hidden ? std::string_view{"什么"} : character;
    return result;
}

} // namespace

int main(int argc, char** argv) {
    demos::ServerProgram program{"guess_who_server",
                                 "Sends back each text with one of its characters hidden."};
    std::uint64_t seed = std::random_device{}();
    program.options().number("--seed", seed, 0, std::numeric_limits<std::uint64_t>::max(),
                             "the same seed, the same choices; the default is random");

    Random random;
    return program.run(argc, argv, [&](EventLoop&) {
        random.seed(seed);
        return ConnectionHandlers{
            .on_open = [](Connection& connection) { connection.send("你找谁呀!"); },
            .on_data =
                [&](Connection& connection, ByteView data) {
                    const std::string_view text = text_of(data);
                    if (demos::is_utf8(text))
                        connection.send(hide_one(text, random));
                    else
                        connection.send(data);
                    return data.size();
                }};
    });
}
