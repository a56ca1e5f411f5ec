#include "serving.hpp"

#include <algorithm>
#include <unistd.h>

namespace pollux_test {

using namespace pollux;

Address abstract_address(std::string_view name) {
    return Address::abstract("pollux-" + std::to_string(::getpid()) + "-" + std::string{name});
}

SocketServerOptions options_of(Model model, const Mode& mode) {
    SocketServerOptions options;
    options.model = model;
    options.threads = 2;
    options.backend = mode.backend;
    options.trigger = mode.trigger;
    return options;
}

std::string upper(std::string_view text) {
    std::string result{text};
    std::transform(result.begin(), result.end(), result.begin(), [](char byte) {
        return byte >= 'a' && byte <= 'z' ? static_cast<char>(byte - 'a' + 'A') : byte;
    });
    return result;
}

std::size_t Upper::on_data(ByteView bytes) {
    send(upper(text_of(bytes)));
    return bytes.size();
}

SessionFactory uppers() {
    return [] { return std::make_unique<Upper>(); };
}

std::string receive(BlockingSocket& from, std::size_t count) {
    std::string text(count, '\0');
    text.resize(from.receive_exactly(std::as_writable_bytes(std::span{text})));
    return text;
}

std::string receive_all(BlockingSocket& from) {
    std::string all;
    std::string part(65536, '\0');
    while (const std::size_t count = from.receive(std::as_writable_bytes(std::span{part})))
        all.append(part, 0, count);
    return all;
}

std::string ask(BlockingSocket& with, std::string_view text) {
    with.send_all(bytes_of(text));
    return receive(with, text.size());
}

} // namespace pollux_test
