#pragma once

#include <cstddef>
#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace echo {

/// What was wrong with the command line; told to the user in one line.
struct Failure : std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// A command line of `--name VALUE` and `--name`. What is set must live until `parse` returns.
class Options {
public:
    void text(std::string name, std::string& value, std::string help);
    void number(const std::string& name, std::size_t& value, std::size_t least, std::size_t most,
                std::string help);
    /// `among` is written `one|other|third`.
    void choice(const std::string& name, std::string& value, const std::string& among,
                std::string help);
    void flag(std::string name, bool& value, std::string help);

    /// Throws `Failure`, which names the option.
    void parse(int argc, char** argv) const;
    /// A line for each option.
    std::string help() const;

private:
    struct Option {
        std::string name;
        std::string values; // empty: a flag
        std::string help;
        std::function<void(std::string_view)> set;
    };
    std::vector<Option> options_;
};

} // namespace echo
