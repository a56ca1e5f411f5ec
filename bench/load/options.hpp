#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>

namespace load {

/// What goes wrong is told to the user in one line.
struct Failure : std::runtime_error {
    using std::runtime_error::runtime_error;
};

struct Options {
    /// Messages come back as they are, or with a to z as A to Z; or bytes go one way.
    enum class Mode : std::uint8_t { echo, upper, upload };

    std::string host = "127.0.0.1";
    std::string port;
    Mode mode = Mode::echo;
    std::size_t connections = 1;
    std::size_t size = 64;      ///< Of a message; of a write when uploading.
    std::size_t depth = 1;      ///< Messages under way on each connection.
    std::uint64_t requests = 0; ///< Of all connections together; 0: until the time is over.
    std::uint64_t bytes = 0;    ///< Of all connections together; 0: until the time is over.
    std::chrono::nanoseconds duration{};
    std::chrono::nanoseconds warmup = std::chrono::milliseconds{100};
    std::chrono::nanoseconds patience = std::chrono::seconds{10}; ///< With a silent server.
    bool handshake = false;
    bool spin = false;
    bool help = false;
};

extern const char* const usage;

/// Throws `Failure` that names the option.
Options parse_options(int argc, char** argv);

} // namespace load
