#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <exception>
#include <iostream>
#include <sys/resource.h>

#include "given_fault.hpp"

// Some cases hold ten thousand descriptors; a shell often allows 1024 until it is asked for more.
int main(int argc, char** argv) {
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
    try {
        pollux_test::take_given_fault(argc, argv);
    } catch (const std::exception& error) {
        std::cerr << argv[0] << ": --fault or POLLUX_FAULT: " << error.what() << '\n';
        return 2;
    }
    return doctest::Context{argc, argv}.run();
}
