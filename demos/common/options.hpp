#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <vector>

namespace demos {

/// The options of a program, parsed by CLI11. Only options.cpp includes that library: it is large,
/// and every program would compile it.
class Options {
public:
    enum class Need : std::uint8_t { optional, required };

    Options(const std::string& program, const std::string& description);
    ~Options();
    Options(const Options&) = delete;
    Options& operator=(const Options&) = delete;

    const std::string& program() const { return program_; }

    // Each adds an option. `value` holds the default, which --help shows, and must live until
    // `parse` has returned. A value that does not fit ends the program with a message.

    void flag(const std::string& name, bool& value, const std::string& help);
    void text(const std::string& name, std::string& value, const std::string& help,
              Need need = Need::optional);
    /// `take` is called with the text and throws what is wrong with it; `form` is shown by --help.
    void text(const std::string& name, const std::string& form,
              const std::function<void(const std::string&)>& take, const std::string& help);
    void number(const std::string& name, int& value, int least, int most, const std::string& help);
    void number(const std::string& name, std::uint64_t& value, std::uint64_t least,
                std::uint64_t most, const std::string& help);
    /// `5s`, `300ms`, `2min`, `1h`; a bare number is in seconds. More than zero.
    void duration(const std::string& name, std::chrono::milliseconds& value,
                  const std::string& help);
    /// In bytes: `4096`, `64KiB`, `1GiB`; `k` and `KB` are 1024 too.
    void size(const std::string& name, std::uint64_t& value, const std::string& help);

    /// Words without a name.
    void word(const std::string& name, std::string& value, const std::string& help);
    void words(const std::string& name, std::vector<std::string>& values, const std::string& help);

    /// True: the program is to run. False: --help was asked for and has been printed. Throws
    /// std::exception with one line for a mistake.
    bool parse(int argc, char** argv);

private:
    struct Parser;
    std::string program_;
    std::unique_ptr<Parser> parser_;
};

} // namespace demos
