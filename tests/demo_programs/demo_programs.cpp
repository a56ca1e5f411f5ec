#include "demo_programs.hpp"

#include <algorithm>
#include <stdexcept>

#define DEMO_PROGRAM(name) int name##_main(int argc, char** argv);
extern "C" {
#include <demo_programs.inc> // generated
}
#undef DEMO_PROGRAM

namespace pollux_test {
namespace {

#define DEMO_PROGRAM(name) {#name, name##_main},
constexpr DemoProgram programs[]{
#include <demo_programs.inc> // generated
};
#undef DEMO_PROGRAM

} // namespace

std::span<const DemoProgram> demo_programs() { return programs; }

DemoMain* demo_main(std::string_view name) {
    for (const DemoProgram& program : programs)
        if (program.name == name) return program.main;
    throw std::invalid_argument{"there is no demo program '" + std::string{name} + "'"};
}

int run_demo(std::string_view name, const std::vector<std::string>& options) {
    std::vector<std::string> words{std::string{name}};
    words.insert(words.end(), options.begin(), options.end());
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    return demo_main(name)(static_cast<int>(words.size()), arguments.data());
}

} // namespace pollux_test
