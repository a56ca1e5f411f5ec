#pragma once

#include <concepts>
#include <cstdio>
#include <string>
#include <string_view>

namespace load {

/// An object in one line. Names and texts must need no escapes.
class Json {
public:
    template <std::integral Number> Json& number(std::string_view name, Number value) {
        return raw(name, std::to_string(value));
    }
    Json& number(std::string_view name, double value) {
        char text[64];
        std::snprintf(text, sizeof text, "%.9f", value);
        return raw(name, text);
    }
    Json& boolean(std::string_view name, bool value) { return raw(name, value ? "true" : "false"); }
    Json& text(std::string_view name, std::string_view value) {
        return raw(name, '"' + std::string{value} + '"');
    }
    /// A value that is JSON already.
    Json& raw(std::string_view name, std::string_view value) {
        text_ += text_.empty() ? "{\"" : ", \"";
        text_ += name;
        text_ += "\": ";
        text_ += value;
        return *this;
    }
    std::string line() const { return text_ + "}"; }

private:
    std::string text_;
};

} // namespace load
