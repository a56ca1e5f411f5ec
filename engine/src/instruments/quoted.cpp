#include "quoted.hpp"

namespace pollux {

std::string quoted(std::string_view bytes) {
    static constexpr std::size_t most = 40;
    static constexpr std::string_view digits = "0123456789abcdef";
    std::string text = "\"";
    for (const char byte : bytes.substr(0, most)) {
        const auto number = static_cast<unsigned char>(byte);
        if (byte == '\n')
            text += "\\n";
        else if (byte == '\r')
            text += "\\r";
        else if (byte == '"' || byte == '\\')
            text += {'\\', byte};
        else if (number < 0x20 || number > 0x7E)
            text += {'\\', 'x', digits[number >> 4U], digits[number & 0xFU]};
        else
            text += byte;
    }
    text += '"';
    if (bytes.size() > most) text += "… (" + std::to_string(bytes.size()) + " bytes)";
    return text;
}

} // namespace pollux
