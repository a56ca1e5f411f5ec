#include "options.hpp"

#include <charconv>
#include <string_view>

namespace load {

const char* const usage =
    R"(load_generator --port PORT [option …]: closed-loop load on a TCP server, on one thread.

  --host ADDRESS      where the server is (127.0.0.1)
  --port PORT
  --mode MODE         echo: send messages and check every byte that comes back (default);
                      upper: the same, with a server that answers in upper case (ASCII);
                      upload: send, end the stream, wait for the server to close
  --connections N     all of them are open at the same time (1)
  --seconds S         how long to measure (1, unless --requests or --bytes says how much)
  --requests N        how many messages, of all connections together
  --bytes N           upload: how many bytes, of all connections together
  --size BYTES        of a message (64); of one write when uploading (65536)
  --depth D           messages under way on each connection (1)
  --warmup S          run unmeasured for this long first (0.1)
  --patience S        give up when the server does nothing for so long (10)
  --spin              never sleep: keeps the wake-up of an idle core out of the figures
  --handshake         print "ready" and wait for a line on standard input before measuring, and
                      again before the connections are closed; "stuck: …" in place of "ready"
                      says that not every connection was answered

Before the warm-up each connection sends --depth messages, and all must come back. Prints one JSON object. Status 2 and one line on standard error when something goes wrong.
)";

namespace {

template <class Number> Number parse_number(std::string_view option, std::string_view text) {
    Number number{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size() || number < Number{})
        throw Failure{std::string{option} + ": not a number: " + std::string{text}};
    return number;
}

std::chrono::nanoseconds parse_seconds(std::string_view option, std::string_view text) {
    const auto seconds = parse_number<double>(option, text);
    if (!(seconds <= 86'400)) throw Failure{std::string{option} + ": more than a day"};
    return std::chrono::nanoseconds{static_cast<std::int64_t>(seconds * 1e9)};
}

Options::Mode parse_mode(std::string_view text) {
    if (text == "echo") return Options::Mode::echo;
    if (text == "upper") return Options::Mode::upper;
    if (text == "upload") return Options::Mode::upload;
    throw Failure{"--mode: echo, upper or upload, not " + std::string{text}};
}

void set(Options& options, std::string_view name, std::string_view value) {
    if (name == "--host")
        options.host = value;
    else if (name == "--port")
        options.port = value;
    else if (name == "--mode")
        options.mode = parse_mode(value);
    else if (name == "--connections")
        options.connections = parse_number<std::size_t>(name, value);
    else if (name == "--seconds")
        options.duration = parse_seconds(name, value);
    else if (name == "--requests")
        options.requests = parse_number<std::uint64_t>(name, value);
    else if (name == "--bytes")
        options.bytes = parse_number<std::uint64_t>(name, value);
    else if (name == "--size")
        options.size = parse_number<std::size_t>(name, value);
    else if (name == "--depth")
        options.depth = parse_number<std::size_t>(name, value);
    else if (name == "--warmup")
        options.warmup = parse_seconds(name, value);
    else if (name == "--patience")
        options.patience = parse_seconds(name, value);
    else
        throw Failure{"unknown option " + std::string{name} + "; try --help"};
}

void check(const Options& options) {
    if (options.port.empty()) throw Failure{"--port is missing; try --help"};
    if (options.connections == 0 || options.size == 0 || options.depth == 0)
        throw Failure{"--connections, --size and --depth must be at least 1"};
    if (options.size > (1U << 20U) || options.depth > (1U << 16U))
        throw Failure{"--size goes up to 1048576, --depth up to 65536"};
}

} // namespace

Options parse_options(int argc, char** argv) {
    Options options;
    bool size_given = false;
    for (int i = 1; i < argc; ++i) {
        const std::string_view name = argv[i];
        if (name == "--help" || name == "-h") {
            options.help = true;
            return options;
        }
        if (name == "--handshake")
            options.handshake = true;
        else if (name == "--spin")
            options.spin = true;
        else if (i + 1 == argc)
            throw Failure{std::string{name} + ": unknown, or its value is missing; try --help"};
        else
            set(options, name, argv[++i]);
        size_given = size_given || name == "--size";
    }
    const bool uploads = options.mode == Options::Mode::upload;
    if (uploads && !size_given) options.size = 65536;
    const std::uint64_t amount = uploads ? options.bytes : options.requests;
    if (amount == 0 && options.duration == std::chrono::nanoseconds{})
        options.duration = std::chrono::seconds{1};
    check(options);
    return options;
}

} // namespace load
