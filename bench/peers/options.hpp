#pragma once

#include <charconv>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>

namespace peers {

/// `WORK --name value …`. What is not known is refused with `std::invalid_argument`.
class Options {
public:
    /// The known names with their defaults.
    using Values = std::map<std::string, std::string, std::less<>>;

    Options(Values values, int argc, char** argv) : values_{std::move(values)} {
        for (int i = 2; i < argc; i += 2) {
            const auto option = values_.find(std::string_view{argv[i]});
            if (option == values_.end())
                throw std::invalid_argument{std::string{"unknown option "} + argv[i]};
            if (i + 1 == argc) throw std::invalid_argument{std::string{argv[i]} + " what?"};
            option->second = argv[i + 1];
        }
    }

    const std::string& text(std::string_view name) const { return values_.find(name)->second; }
    std::uint64_t number(std::string_view name) const { return parse_number(text(name)); }

    static std::uint64_t parse_number(std::string_view text) {
        std::uint64_t number = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
        if (error != std::errc{} || end != text.data() + text.size())
            throw std::invalid_argument{"not a number: '" + std::string{text} + "'"};
        return number;
    }

private:
    Values values_;
};

} // namespace peers
