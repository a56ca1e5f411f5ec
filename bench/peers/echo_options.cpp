#include "echo_options.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

namespace echo {
namespace {

std::size_t parse_number(const std::string& name, std::string_view text, std::size_t least,
                         std::size_t most) {
    std::size_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size() || number < least || number > most)
        throw Failure{name + ": a number from " + std::to_string(least) + " to " +
                      std::to_string(most) + ", not " + std::string{text}};
    return number;
}

} // namespace

void Options::text(std::string name, std::string& value, std::string help) {
    options_.push_back({std::move(name), "TEXT", std::move(help),
                        [&value](std::string_view given) { value = given; }});
}

void Options::number(const std::string& name, std::size_t& value, std::size_t least,
                     std::size_t most, std::string help) {
    options_.push_back({name, "N", std::move(help), [&value, name, least, most](auto given) {
                            value = parse_number(name, given, least, most);
                        }});
}

void Options::choice(const std::string& name, std::string& value, const std::string& among,
                     std::string help) {
    options_.push_back({name, among, std::move(help), [&value, name, among](auto given) {
                            const std::string marked = "|" + among + "|";
                            if (marked.find("|" + std::string{given} + "|") == std::string::npos)
                                throw Failure{name + ": " + among + ", not " + std::string{given}};
                            value = given;
                        }});
}

void Options::flag(std::string name, bool& value, std::string help) {
    options_.push_back(
        {std::move(name), {}, std::move(help), [&value](std::string_view) { value = true; }});
}

void Options::parse(int argc, char** argv) const {
    for (int i = 1; i < argc; ++i) {
        const std::string_view name = argv[i];
        const auto option = std::find_if(options_.begin(), options_.end(),
                                         [&](const Option& each) { return each.name == name; });
        if (option == options_.end())
            throw Failure{"unknown option " + std::string{name} + "; try --help"};
        if (option->values.empty())
            option->set({});
        else if (++i == argc)
            throw Failure{option->name + ": its value is missing; try --help"};
        else
            option->set(argv[i]);
    }
}

std::string Options::help() const {
    std::string text;
    for (const Option& option : options_) {
        std::string left = "  " + option.name;
        if (!option.values.empty()) left += ' ' + option.values;
        left.resize(std::max<std::size_t>(left.size() + 2, 34), ' ');
        text += left + option.help + '\n';
    }
    return text;
}

} // namespace echo
