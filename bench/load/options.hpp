#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace load {

/// What goes wrong is told to the user in one line.
struct Failure : std::runtime_error {
    using std::runtime_error::runtime_error;
};

struct Options {
    enum class Mode : std::uint8_t {
        echo,     ///< Messages come back as they are,
        upper,    ///< or with a to z as A to Z.
        upload,   ///< Bytes go one way.
        download, ///< A short request, a long answer.
        churn,    ///< A connection for each message of an echo.
        http,     ///< GET.
        idle      ///< Connections, and nothing on them.
    };
    /// When the messages of an open loop are due.
    enum class Arrival : std::uint8_t { even, poisson };
    /// How a connection is ended that served one request.
    enum class Ending : std::uint8_t { reset, fin };

    std::string host = "127.0.0.1";
    std::string port;
    Mode mode = Mode::echo;
    std::size_t connections = 1;
    std::size_t size = 0;           ///< Of a message; of a write when uploading. 0: the mode's own.
    std::size_t depth = 1;          ///< Messages under way on each connection.
    std::uint64_t requests = 0;     ///< Of all connections together; 0: until the time is over.
    std::uint64_t bytes = 0;        ///< Of all connections together; 0: until the time is over.
    std::uint64_t answer = 0;       ///< Bytes of a download. 0: the default.
    std::uint64_t read_rate = 0;    ///< Bytes a second on each connection; 0: as they come.
    std::size_t receive_buffer = 0; ///< SO_RCVBUF; 0: the kernel's choice.
    std::string path = "/";
    bool close = false; ///< HTTP: a connection for each request.
    Ending ending = Ending::reset;
    double rate = 0; ///< Requests a second of all connections; 0: a closed loop.
    Arrival arrivals = Arrival::even;
    std::uint64_t seed = 1;
    bool ramp = false;
    std::chrono::nanoseconds p99_limit{}; ///< Of a ramp; 0: none.
    std::chrono::nanoseconds duration{};
    std::chrono::nanoseconds warmup = std::chrono::milliseconds{100};
    std::chrono::nanoseconds patience = std::chrono::seconds{10}; ///< With a silent server.
    std::vector<std::size_t> cores; ///< Empty: where the kernel likes.
    bool handshake = false;
    bool spin = false;
    bool text = false; ///< For people, in place of JSON.
    bool help = false;

    /// How long after the end of an open loop its last answers may come.
    std::chrono::nanoseconds longest_wait() const noexcept {
        return p99_limit.count() > 0 ? p99_limit : std::chrono::milliseconds{10};
    }

    bool connection_per_request() const noexcept { return mode == Mode::churn || close; }
};

const char* name_of(Options::Mode mode) noexcept;

/// The text of --help.
std::string usage();

/// Throws `Failure` that names the option.
Options parse_options(int argc, char** argv);

/// The number of seconds that a text says. Throws `Failure` that begins with `what`.
std::chrono::nanoseconds parse_seconds(std::string_view what, std::string_view text);

} // namespace load
