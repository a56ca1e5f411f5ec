#include "transfer_header.hpp"

#include "json_texts.hpp"
#include "text.hpp"

#include <nlohmann/json.hpp>

#include <stdexcept>

namespace demos {

using nlohmann::json;

TransferHeader TransferHeader::parse(std::string_view text) {
    JsonTexts header = JsonTexts::parse(text);
    if (!header.is_json) return {.kind = Kind::malformed};
    const std::string* const type = header.find("msg_type");
    const std::string* const name = header.find("file_name");
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
