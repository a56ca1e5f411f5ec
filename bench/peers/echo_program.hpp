#pragma once

#include "echo_options.hpp"

#include <chrono>
#include <functional>
#include <pollux/fd.hpp>
#include <string>

namespace echo {

/// What every echo server is told.
struct Settings {
    std::string host = "127.0.0.1";
    std::size_t port = 0;
    std::size_t read_size = 65536; ///< Bytes that one read asks for.
    std::chrono::microseconds work{};
};

/// What --help and --version say, and options that only this server has.
struct Program {
    std::string name;
    std::string version; ///< Library and its version; empty for none but the kernel.
    std::string about;   ///< A line.
    Options options{};
};

/// The whole of main: reads the command line, lets the process open as many descriptors as it may,
/// ignores SIGPIPE, and calls `serve`, which returns after SIGTERM or SIGINT. Status 2, and a line
/// on standard error, when the command line is wrong; 1 when the server cannot go on.
int run(int argc, char** argv, Program program, const std::function<void(const Settings&)>& serve);

/// A listening socket that does not block, with the longest queue. What is accepted from it
/// inherits TCP_NODELAY. How it is made is the same for all, and takes no part in what is measured.
pollux::Fd listen(const Settings& settings);

/// For those that wait in the call.
void make_blocking(int fd);

/// Tells, on standard output, where that socket listens. Signals are heard from here on, so whoever
/// reads the line may send one.
void announce(int listener);

/// Blocks SIGTERM and SIGINT in this thread, and in those that it starts; the descriptor is
/// readable when one came. See signalfd(2).
pollux::Fd termination();

} // namespace echo
