#include "peers/stand_by.hpp"

#include <iostream>
#include <string>

#include "peers/options.hpp"

namespace peers {

namespace {

void print(const Sample& sample) {
    const char* separator = "{";
    for (const auto& [name, value] : sample) {
        std::cout << separator << '"' << name << "\": " << value;
        separator = ", ";
    }
    std::cout << '}' << std::endl;
}

} // namespace

void stand_by(const std::function<Sample(std::uint64_t count)>& measure) {
    std::cout << "ready" << std::endl;
    for (std::string line; std::getline(std::cin, line);) {
        if (!line.starts_with("go ")) throw std::invalid_argument{"'go COUNT', not '" + line + "'"};
        print(measure(Options::parse_number(std::string_view{line}.substr(3))));
    }
}

} // namespace peers
