// All demo programs in one, on pollux_hooked: their system calls are counted (--stats of a server),
// and can be made to go wrong (--fault).
//
//     demo_hooked echo_server --port 7777 --fault 'accept4@3=EMFILE'
//
// It also says how strace(1) would do the same to any program:
//
//     strace $(demo_hooked strace 'accept4@3=EMFILE') echo_server --port 7777

#include <exception>
#include <iostream>
#include <pollux/instruments/fault_plan.hpp>

#include "demo_programs/demo_programs.hpp"

namespace {

int say_to_strace(std::string_view plan) {
    try {
        std::cout << pollux::FaultPlan::parse(plan).strace() << '\n';
        return 0;
    } catch (const std::exception& error) {
        std::cerr << "demo_hooked: " << error.what() << '\n';
        return 2;
    }
}

} // namespace

int main(int argc, char** argv) {
    const std::string_view name = argc > 1 ? argv[1] : "";
    if (name == "strace" && argc == 3) return say_to_strace(argv[2]);
    for (const pollux_test::DemoProgram& program : pollux_test::demo_programs())
        if (program.name == name) return program.main(argc - 1, argv + 1);
    std::cerr << "usage: demo_hooked PROGRAM OPTION...\n"
                 "       demo_hooked strace FAULT_PLAN\nprograms:";
    for (const pollux_test::DemoProgram& program : pollux_test::demo_programs())
        std::cerr << ' ' << program.name;
    std::cerr << '\n';
    return 2;
}
