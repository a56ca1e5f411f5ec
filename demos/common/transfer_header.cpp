#include "transfer_header.hpp"

#include "text.hpp"

#include <nlohmann/json.hpp>

#include <stdexcept>

namespace demos {

using nlohmann::json;

TransferHeader TransferHeader::parse(std::string_view text) {
    // nlohmann's parser takes a zero byte for the end of the text: what is behind it would be lost.
    const bool ends_early = text.find('\0') != std::string_view::npos;
    const json header = json::parse(text, nullptr, false);
    if (ends_early || header.is_discarded()) return {.kind = Kind::malformed};
    const auto text_at = [&](const char* key) -> const std::string* {
        if (!header.is_object()) return nullptr;
        const auto member = header.find(key);
        return member == header.end() ? nullptr : member->get_ptr<const std::string*>();
    };
    const std::string* const type = text_at("msg_type");
    const std::string* const name = text_at("file_name");
    if (type != nullptr && *type == "msg") return {.kind = Kind::message};
    if (type != nullptr && *type == "file" && name != nullptr)
        return {.kind = Kind::file, .file_name = *name};
    return {.kind = Kind::unknown};
}

std::string TransferHeader::to_json() const {
    if (kind == Kind::message) return json{{"msg_type", "msg"}}.dump();
    if (!is_utf8(file_name))
        throw std::invalid_argument{"the name is not UTF-8: " + harmless(file_name)};
    return json{{"msg_type", "file"}, {"file_name", file_name}}.dump();
}

} // namespace demos
