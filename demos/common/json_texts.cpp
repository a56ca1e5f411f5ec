#include "json_texts.hpp"

#include <nlohmann/json.hpp>

#include <utility>

namespace demos {

namespace {

using nlohmann::json;

class Reader : public json::json_sax_t {
public:
    explicit Reader(JsonTexts& into) : into_{into} {}

    bool string(string_t& text) override {
        if (depth_ == 1 && into_.is_object) into_.texts[name_] = std::move(text);
        return true;
    }
    bool key(string_t& name) override {
        if (depth_ == 1) name_ = std::move(name);
        return true;
    }
    bool start_object(std::size_t) override {
        if (depth_ == 0) into_.is_object = true;
        return begin();
    }
    bool start_array(std::size_t) override { return begin(); }
    bool end_object() override { return end(); }
    bool end_array() override { return end(); }

    bool null() override { return no_text(); }
    bool boolean(bool) override { return no_text(); }
    bool number_integer(number_integer_t) override { return no_text(); }
    bool number_unsigned(number_unsigned_t) override { return no_text(); }
    bool number_float(number_float_t, const string_t&) override { return no_text(); }
    bool binary(binary_t&) override { return no_text(); }
    bool parse_error(std::size_t, const std::string&, const json::exception&) override {
        return false;
    }

private:
    bool begin() {
        no_text();
        ++depth_;
        return true;
    }
    bool end() {
        --depth_;
        return true;
    }
    bool no_text() {
        if (depth_ == 1 && into_.is_object) into_.texts.erase(name_);
        return true;
    }

    JsonTexts& into_;
    std::size_t depth_ = 0;
    std::string name_;
};

} // namespace

JsonTexts JsonTexts::parse(std::string_view text) {
    JsonTexts result;
    Reader reader{result};
    // nlohmann's parser takes a zero byte for the end of the text: what is behind it would be lost.
    result.is_json = text.find('\0') == std::string_view::npos && json::sax_parse(text, &reader);
    return result;
}

std::string* JsonTexts::find(std::string_view name) {
    const auto found = texts.find(name);
    return found == texts.end() ? nullptr : &found->second;
}

} // namespace demos
