#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace pollux_test {

/// The `main` of a demo program.
using DemoMain = int(int argc, char** argv);

struct DemoProgram {
    std::string_view name;
    DemoMain* main;
};

/// All of them: their own object code, on pollux_hooked.
std::span<const DemoProgram> demo_programs();

/// `demo_main("chat_server")`. Throws `std::invalid_argument` when there is none of that name.
DemoMain* demo_main(std::string_view name);

/// Runs one to its end on this thread, and returns its exit status.
int run_demo(std::string_view name, const std::vector<std::string>& options);

} // namespace pollux_test
