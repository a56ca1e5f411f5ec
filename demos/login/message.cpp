#include "message.hpp"

#include "common/json_texts.hpp"
#include "common/text.hpp"

#include <nlohmann/json.hpp>

#include <stdexcept>

namespace demos {

using namespace pollux;
using nlohmann::json;

namespace {

constexpr std::string_view white_space = " \t\r\n";

// The length of the object at the front; 0 when it is not complete.
std::size_t object_size(std::string_view text) noexcept {
    std::size_t depth = 0;
    bool in_string = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (in_string) {
            if (c == '\\')
                ++i; // what follows does not end the string
            else if (c == '"')
                in_string = false;
        } else if (c == '"') {
            in_string = true;
        } else if (c == '{' || c == '[') {
            ++depth;
        } else if ((c == '}' || c == ']') && --depth == 0) {
            return i + 1;
        }
    }
    return 0;
}

} // namespace

std::optional<Login> Login::parse(std::string_view text) {
    JsonTexts object = JsonTexts::parse(text);
    std::string* const name = object.find("username");
    std::string* const password = object.find("password");
    if (!object.is_json || name == nullptr || password == nullptr) return std::nullopt;
    return Login{std::move(*name), Secret{std::move(*password)}};
}

std::string Login::to_json() const {
    if (!is_utf8(name)) throw std::invalid_argument{"the user name is not UTF-8"};
    if (!is_utf8(password.text())) throw std::invalid_argument{"the password is not UTF-8"};
    return json{{"username", name}, {"password", password.text()}}.dump();
}

bool begins_an_object(std::string_view text) noexcept {
    const std::size_t begin = text.find_first_not_of(white_space);
    return begin == std::string_view::npos || text[begin] == '{';
}

Frame ObjectFraming::first(ByteView bytes) const noexcept {
    const std::string_view text = text_of(bytes).substr(0, limit_);
    if (!begins_an_object(text)) return {.state = Frame::State::refused};
    const std::size_t begin = std::min(text.find_first_not_of(white_space), text.size());
    const std::size_t size = object_size(text.substr(begin));
    if (size > 0) return {Frame::State::complete, bytes.subspan(begin, size), begin + size};
    return {.state = bytes.size() > limit_ ? Frame::State::refused : Frame::State::partial};
}

} // namespace demos
