// All demo programs in one, on pollux_hooked: their system calls are counted (--stats of a server),
// and can be made to go wrong (--fault).
//
//     demo_hooked echo_server --port 7777 --fault 'accept4@3=EMFILE'

#include <iostream>

#include "demo_programs/demo_programs.hpp"

int main(int argc, char** argv) {
    const std::string_view name = argc > 1 ? argv[1] : "";
    for (const pollux_test::DemoProgram& program : pollux_test::demo_programs())
        if (program.name == name) return program.main(argc - 1, argv + 1);
    std::cerr << "usage: demo_hooked PROGRAM OPTION...\nprograms:";
    for (const pollux_test::DemoProgram& program : pollux_test::demo_programs())
        std::cerr << ' ' << program.name;
    std::cerr << '\n';
    return 2;
}
