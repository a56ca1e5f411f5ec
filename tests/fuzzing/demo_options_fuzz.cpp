// The command line of demo programs, a word a line: it is refused by an exception with a message,
// or every value is within what was asked for.

#include "common/options.hpp"
#include "common/server_name.hpp"
#include "fuzzing.hpp"

#include <exception>

namespace {

using namespace std::chrono_literals;
using pollux_test::must;

struct Values {
    bool flag = false;
    std::string text;
    int small = 5;
    std::uint64_t large = 7;
    std::chrono::milliseconds duration{1000};
    std::uint64_t size = 4096;
};

void check(const Values& values) {
    must(values.small >= 1 && values.small <= 10, "a number is within its bounds");
    must(values.large >= 3, "a large number too");
    must(values.duration > 0ms && values.duration <= 1'000'000'000'000ms,
         "a duration is more than nothing, and less than thirty years");
}

void parse(std::string_view input) {
    std::vector<std::string> words{"program"};
    while (!input.empty()) {
        const std::size_t end = std::min(input.find('\n'), input.size());
        // A word of a command line ends at a zero byte.
        words.emplace_back(std::string{input.substr(0, end)}.c_str());
        input.remove_prefix(std::min(end + 1, input.size()));
    }
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);

    Values values;
    demos::Options options{"program", "To be fuzzed."};
    options.flag("--flag", values.flag, "a flag");
    options.text("--text", values.text, "a text");
    options.number("--small", values.small, 1, 10, "a number");
    options.number("--large", values.large, std::uint64_t{3},
                   std::numeric_limits<std::uint64_t>::max(), "a number");
    options.duration("--duration", values.duration, "a duration");
    options.size("--size", values.size, "a size");
    try {
        if (options.parse(static_cast<int>(words.size()), arguments.data())) check(values);
    } catch (const std::exception& refusal) {
        must(*refusal.what() != '\0', "a refusal says why");
    }
}

void name_server(std::string_view input) {
    try {
        const demos::ServerName name = demos::ServerName::of(std::string{input}, 80);
        must(name.address || !name.host.empty(), "a server has an address or a name");
        must(name.service == "80", "and its port");
    } catch (const std::invalid_argument& refusal) {
        must(pollux_test::is_one_plain_line(refusal.what()), "a refusal is one plain line",
             refusal.what());
    }
}

void fuzz(std::string_view input) {
    parse(input);
    name_server(input);
}

const pollux_test::FuzzTarget target{"demo_options", fuzz};

} // namespace
