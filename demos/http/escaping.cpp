#include "escaping.hpp"

#include "../common/text.hpp"

#include <algorithm>

namespace demos::http {
namespace {

int hex_value(char character) {
    if (character >= '0' && character <= '9') return character - '0';
    if (character >= 'a' && character <= 'f') return character - 'a' + 10;
    if (character >= 'A' && character <= 'F') return character - 'A' + 10;
    return -1;
}

bool is_unreserved(char character) {
    return (character >= '0' && character <= '9') || (character >= 'a' && character <= 'z') ||
           (character >= 'A' && character <= 'Z') ||
           std::string_view{"-._~"}.find(character) != std::string_view::npos;
}

} // namespace

std::string html(std::string_view text) {
    std::string result;
    result.reserve(text.size());
    for (const char character : harmless(text, "\n")) {
        switch (character) {
        case '&':
            result += "&amp;";
            break;
        case '<':
            result += "&lt;";
            break;
        case '>':
            result += "&gt;";
            break;
        case '"':
            result += "&quot;";
            break;
        case '\'':
            result += "&#39;";
            break;
        default:
            result += character;
        }
    }
    return result;
}

std::optional<std::string> percent_decoded(std::string_view text) {
    std::string result;
    result.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%') {
            result += text[i];
            continue;
        }
        const int high = i + 1 < text.size() ? hex_value(text[i + 1]) : -1;
        const int low = i + 2 < text.size() ? hex_value(text[i + 2]) : -1;
        if (high < 0 || low < 0) return std::nullopt;
        result += static_cast<char>(high * 16 + low);
        i += 2;
    }
    return result;
}

std::string percent_encoded(std::string_view segment) {
    constexpr std::string_view digits = "0123456789ABCDEF";
    std::string result;
    for (const char character : segment) {
        const auto byte = static_cast<unsigned char>(character);
        if (is_unreserved(character))
            result += character;
        else
            (result += '%').append({digits[byte >> 4U], digits[byte & 15U]});
    }
    return result;
}

std::optional<Form> parse_form(std::string_view body) {
    Form form;
    while (!body.empty()) {
        const std::size_t end = std::min(body.find('&'), body.size());
        std::string pair{body.substr(0, end)};
        body.remove_prefix(std::min(end + 1, body.size()));
        std::replace(pair.begin(), pair.end(), '+', ' ');
        const std::size_t equals = std::min(pair.find('='), pair.size());
        auto name = percent_decoded(std::string_view{pair}.substr(0, equals));
        auto value =
            percent_decoded(std::string_view{pair}.substr(std::min(equals + 1, pair.size())));
        if (!name || !value) return std::nullopt;
        form.emplace_back(std::move(*name), std::move(*value));
    }
    return form;
}

std::string_view value_of(const Form& form, std::string_view name) {
    for (const auto& [known, value] : form)
        if (known == name) return value;
    return {};
}

} // namespace demos::http
