#include "options.hpp"

#include <CLI/CLI.hpp>

#include <map>
#include <stdexcept>

namespace demos {

struct Options::Parser {
    CLI::App app;
};

namespace {

// CLI11's own range check prints floating-point limits with all their digits.
template <class Number> CLI::Validator between(Number least, Number most) {
    const std::string range = most == std::numeric_limits<Number>::max()
                                  ? "at least " + std::to_string(least)
                                  : std::to_string(least) + " to " + std::to_string(most);
    return {[=](const std::string& text) {
                Number number{};
                const bool is_number = CLI::detail::lexical_cast(text, number) && text[0] != '-';
                return is_number && number >= least && number <= most
                           ? std::string{}
                           : "'" + text + "' is not a number of " + range;
            },
            ""};
}

// In seconds already.
std::string is_duration(const std::string& text) {
    constexpr double most = 1e9; // thirty years
    double seconds = 0;
    const bool fits = CLI::detail::lexical_cast(text, seconds) && seconds > 0 && seconds <= most;
    return fits ? "" : "a duration of more than zero is wanted";
}

} // namespace

Options::Options(const std::string& program, const std::string& description)
    : program_{program}, parser_{std::make_unique<Parser>()} {
    parser_->app.description(description);
    parser_->app.name(program);
}

Options::~Options() = default;

void Options::flag(const std::string& name, bool& value, const std::string& help) {
    parser_->app.add_flag(name, value, help);
}

void Options::text(const std::string& name, std::string& value, const std::string& help,
                   Need need) {
    CLI::Option* option = parser_->app.add_option(name, value, help);
    if (!value.empty()) option->capture_default_str();
    if (need == Need::required) option->required();
}

void Options::text(const std::string& name, const std::string& form,
                   const std::function<void(const std::string&)>& take, const std::string& help) {
    parser_->app.add_option_function<std::string>(name, take, help)->option_text(form);
}

void Options::number(const std::string& name, int& value, int least, int most,
                     const std::string& help) {
    parser_->app.add_option(name, value, help)->check(between(least, most))->capture_default_str();
}

void Options::number(const std::string& name, std::uint64_t& value, std::uint64_t least,
                     std::uint64_t most, const std::string& help) {
    parser_->app.add_option(name, value, help)->check(between(least, most))->capture_default_str();
}

void Options::duration(const std::string& name, std::chrono::milliseconds& value,
                       const std::string& help) {
    const std::map<std::string, double> units{{"ms", 1e-3}, {"s", 1}, {"min", 60}, {"h", 3600}};
    parser_->app
        .add_option_function<double>(
            name,
            [&value](double seconds) {
                value = std::chrono::ceil<std::chrono::milliseconds>(
                    std::chrono::duration<double>{seconds});
            },
            help)
        ->transform(CLI::AsNumberWithUnit(units))
        ->check(CLI::Validator{is_duration, ""})
        ->option_text("DURATION [" + std::to_string(value.count()) + "ms]");
}

void Options::size(const std::string& name, std::uint64_t& value, const std::string& help) {
    parser_->app.add_option(name, value, help)
        ->transform(CLI::AsSizeValue(false))
        ->option_text("SIZE [" + std::to_string(value) + "]");
}

void Options::word(const std::string& name, std::string& value, const std::string& help) {
    parser_->app.add_option(name, value, help)->required();
}

void Options::words(const std::string& name, std::vector<std::string>& values,
                    const std::string& help) {
    parser_->app.add_option(name, values, help)->required();
}

bool Options::parse(int argc, char** argv) {
    try {
        parser_->app.parse(argc, argv);
        return true;
    } catch (const CLI::Success& success) { // --help
        parser_->app.exit(success);
        return false;
    }
}

} // namespace demos
