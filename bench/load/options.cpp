#include "options.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <type_traits>
#include <utility>

namespace load {
namespace {

constexpr std::array mode_names{
    std::pair{Options::Mode::echo, "echo"},     std::pair{Options::Mode::upper, "upper"},
    std::pair{Options::Mode::upload, "upload"}, std::pair{Options::Mode::download, "download"},
    std::pair{Options::Mode::churn, "churn"},   std::pair{Options::Mode::http, "http"},
    std::pair{Options::Mode::idle, "idle"},
};

template <class Number> Number parse_number(std::string_view option, std::string_view text) {
    if (text.starts_with('-'))
        throw Failure{std::string{option} + ": must not be negative: " + std::string{text}};
    Number number{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size() || !(number >= Number{}))
        throw Failure{std::string{option} + ": not a number: " + std::string{text}};
    return number;
}

Options::Mode parse_mode(std::string_view text) {
    for (const auto& [mode, name] : mode_names)
        if (text == name) return mode;
    throw Failure{"--mode: echo, upper, upload, download, churn, http or idle, not " +
                  std::string{text}};
}

// "0,2-3", as taskset(1) has it.
std::vector<std::size_t> parse_cores(std::string_view option, std::string_view text) {
    std::vector<std::size_t> cores;
    for (std::size_t begin = 0; begin <= text.size();) {
        const std::size_t end = std::min(text.find(',', begin), text.size());
        const std::string_view part = text.substr(begin, end - begin);
        const std::size_t dash = std::min(part.find('-'), part.size());
        const auto first = parse_number<std::size_t>(option, part.substr(0, dash));
        const auto last =
            dash == part.size() ? first : parse_number<std::size_t>(option, part.substr(dash + 1));
        if (last >= 1024 || first > last) throw Failure{std::string{option} + ": no such core"};
        for (std::size_t core = first; core <= last; ++core) cores.push_back(core);
        begin = end + 1;
    }
    return cores;
}

using Set = void (*)(Options&, std::string_view option, std::string_view text);

template <auto member> void flag(Options& options, std::string_view /*option*/, std::string_view) {
    options.*member = true;
}

template <auto member> void words(Options& options, std::string_view, std::string_view text) {
    options.*member = text;
}

template <auto member>
void number(Options& options, std::string_view option, std::string_view text) {
    using Number = std::remove_cvref_t<decltype(options.*member)>;
    options.*member = parse_number<Number>(option, text);
}

template <auto member>
void positive(Options& options, std::string_view option, std::string_view text) {
    number<member>(options, option, text);
    if (options.*member == 0) throw Failure{std::string{option} + " must be at least 1"};
}

template <auto member>
void seconds(Options& options, std::string_view option, std::string_view text) {
    options.*member = parse_seconds(option, text);
}

// Where an option makes sense. One that would be without effect is refused.
using Modes = unsigned;
constexpr Modes only(Options::Mode mode) { return 1U << static_cast<unsigned>(mode); }
constexpr Modes echoing =
    only(Options::Mode::echo) | only(Options::Mode::upper) | only(Options::Mode::churn);
constexpr Modes answering = echoing | only(Options::Mode::download) | only(Options::Mode::http);
constexpr Modes any_but_idle = answering | only(Options::Mode::upload);
constexpr Modes any = any_but_idle | only(Options::Mode::idle);

struct Option {
    std::string_view name;
    std::string_view value; // empty: a flag
    Modes modes;
    std::string_view help;
    Set set;
};

constexpr auto download = only(Options::Mode::download);
constexpr auto http = only(Options::Mode::http);

const std::array option_list{
    Option{"--host", "ADDRESS", any, "where the server is (127.0.0.1)", words<&Options::host>},
    Option{"--port", "PORT", any, "1 to 65535",
           [](Options& options, std::string_view option, std::string_view value) {
               const auto port = parse_number<std::uint32_t>(option, value);
               if (port < 1 || port > 65535)
                   throw Failure{"--port: 1 to 65535, not " + std::string{value}};
               options.port = std::to_string(port);
           }},
    Option{"--mode", "MODE", any,
           "echo: send messages and check every byte that comes back (default)\n"
           "upper: the same, with a server that answers in upper case (ASCII)\n"
           "upload: send, end the stream, wait for the server to close\n"
           "download: send --size bytes, take an answer of --answer bytes, whatever they are\n"
           "churn: connect, send one message, check the echo, end the connection\n"
           "http: GET --path; an answer that is not 2xx counts as an error\n"
           "idle: connect and send nothing; \"ready\" when the server has accepted all as far as "
           "can be told from here; ends when standard input does, and says how many the server "
           "has closed",
           [](Options& options, std::string_view, std::string_view value) {
               options.mode = parse_mode(value);
           }},
    Option{"--connections", "N", any, "open at the same time (1); churn: at most",
           positive<&Options::connections>},
    Option{"--seconds", "S", any_but_idle,
           "how long to measure (1, unless --requests or --bytes says how much)",
           seconds<&Options::duration>},
    Option{"--requests", "N", answering, "how many messages, of all connections together",
           number<&Options::requests>},
    Option{"--bytes", "N", only(Options::Mode::upload),
           "how many bytes, of all connections together", number<&Options::bytes>},
    Option{"--size", "BYTES", echoing | download | only(Options::Mode::upload),
           "of a message (64); of one write when uploading (65536)", positive<&Options::size>},
    Option{"--depth", "D", answering, "messages under way on each connection (1)",
           positive<&Options::depth>},
    Option{"--answer", "BYTES", download, "of the answer to each request (65536)",
           positive<&Options::answer>},
    Option{"--read-rate", "BYTES", download | http,
           "a slow reader: so much a second on each connection", positive<&Options::read_rate>},
    Option{"--receive-buffer", "BYTES", any,
           "of the kernel for each connection (SO_RCVBUF), so that a slow reader is felt",
           positive<&Options::receive_buffer>},
    Option{"--path", "PATH", http, "what to get (/)", words<&Options::path>},
    Option{"--close", "", http, "a connection for each request", flag<&Options::close>},
    Option{"--ending", "HOW", only(Options::Mode::churn) | http,
           "of a connection for one request. reset (default) leaves nothing behind; fin leaves "
           "the port in TIME_WAIT for a minute, and they run out",
           [](Options& options, std::string_view, std::string_view value) {
               if (value != "reset" && value != "fin")
                   throw Failure{"--ending: reset or fin, not " + std::string{value}};
               options.ending = value == "fin" ? Options::Ending::fin : Options::Ending::reset;
           }},
    Option{"--rate", "R", answering,
           "an open loop: so many requests a second, of all connections together, are due "
           "whether or not answers come. A latency counts from the moment that the request was "
           "due. They go to the connections in turn, and wait there while --depth are under way",
           [](Options& options, std::string_view option, std::string_view value) {
               options.rate = parse_number<double>(option, value);
               if (options.rate < 1e-3 || options.rate > 1e8)
                   throw Failure{"--rate: 0.001 to 100000000"};
           }},
    Option{"--arrivals", "HOW", answering,
           "of the requests of an open loop: even (default) or poisson",
           [](Options& options, std::string_view, std::string_view value) {
               if (value != "even" && value != "poisson")
                   throw Failure{"--arrivals: even or poisson, not " + std::string{value}};
               options.arrivals =
                   value == "even" ? Options::Arrival::even : Options::Arrival::poisson;
           }},
    Option{"--seed", "N", answering, "of the random arrivals (1)", number<&Options::seed>},
    Option{"--ramp", "", answering,
           "find the knee: the highest rate that the server keeps. Doubles the rate from --rate "
           "(half of what a short closed loop reaches) on, then halves the interval until it is "
           "within 10 %. A rate is kept when 98 % of it is answered without errors, at most 10 ms "
           "after the end (or --p99-limit, and p99 is below it too), in the best of three tries, "
           "--seconds each, but 200 requests at least (and up to 5 s for them). One JSON object "
           "for each step and one for the knee, null where the client was the limit: then it is at "
           "least \"kept\"",
           flag<&Options::ramp>},
    Option{"--p99-limit", "S", answering, "of --ramp: what p99 may be (anything)",
           seconds<&Options::p99_limit>},
    Option{"--warmup", "S", any_but_idle, "run unmeasured for this long first (0.1)",
           seconds<&Options::warmup>},
    Option{"--patience", "S", any,
           "closed loop: give up when the server does nothing for so long (10); open loop: wait "
           "so long for what is unanswered at the end",
           seconds<&Options::patience>},
    Option{"--cores", "LIST", any, "run on these alone, such as 1 or 0,2-3",
           [](Options& options, std::string_view option, std::string_view value) {
               options.cores = parse_cores(option, value);
           }},
    Option{"--spin", "", any_but_idle,
           "never sleep: keeps the wake-up of an idle core out of the figures",
           flag<&Options::spin>},
    Option{"--text", "", any_but_idle, "lines for people in place of JSON", flag<&Options::text>},
    Option{"--handshake", "", any,
           "stand by: print \"ready\", then measure once for each line \"go\" or \"go SECONDS\" on "
           "standard input; another line or its end ends. \"stuck: …\" in place of \"ready\" says "
           "that not every connection was answered",
           flag<&Options::handshake>},
};

constexpr std::size_t help_column = 26;
constexpr std::size_t help_width = 100;

// Broken between words where it would be too wide; the next lines are indented.
std::string in_help_column(std::string_view help) {
    std::string lines;
    std::size_t column = help_column;
    while (!help.empty()) {
        const std::size_t end = std::min(help.find_first_of(" \n"), help.size());
        if (column + end > help_width) {
            lines.back() = '\n';
            lines.append(help_column, ' ');
            column = help_column;
        }
        lines += help.substr(0, end);
        column += end + 1;
        if (end == help.size()) break;
        lines += help[end];
        if (help[end] == '\n') {
            lines.append(help_column, ' ');
            column = help_column;
        }
        help.remove_prefix(end + 1);
    }
    return lines;
}

void check_numbers(const Options& options) {
    if (options.size > (1U << 20U) || options.depth > (1U << 16U))
        throw Failure{"--size goes up to 1048576, --depth up to 65536"};
    if (options.connections > (1U << 20U)) throw Failure{"--connections goes up to 1048576"};
    if (options.receive_buffer > (1U << 30U)) throw Failure{"--receive-buffer: more than 1 GiB"};
}

void check(const Options& options) {
    if (options.port.empty()) throw Failure{"--port is missing; try --help"};
    check_numbers(options);
    if (options.connection_per_request() && options.depth > 1)
        throw Failure{"--depth: a connection for each request has one under way"};
    if (options.ramp && options.duration == std::chrono::nanoseconds{})
        throw Failure{"--ramp goes by --seconds"};
    if (options.path.empty() || options.path.front() != '/' ||
        std::ranges::any_of(options.path, [](char c) { return c <= ' ' || c > '~'; }))
        throw Failure{"--path: begins with / and holds neither spaces nor what is not ASCII"};
}

void fill_in(Options& options) {
    const bool uploads = options.mode == Options::Mode::upload;
    if (options.size == 0) options.size = uploads ? 65536 : 64;
    if (options.answer == 0) options.answer = 65536;
    const std::uint64_t amount = uploads ? options.bytes : options.requests;
    if (amount == 0 && options.duration == std::chrono::nanoseconds{})
        options.duration = std::chrono::seconds{1};
}

} // namespace

const char* name_of(Options::Mode mode) noexcept {
    return std::ranges::find(mode_names, mode, [](const auto& each) { return each.first; })->second;
}

std::chrono::nanoseconds parse_seconds(std::string_view what, std::string_view text) {
    const auto seconds = parse_number<double>(what, text);
    if (!(seconds <= 86'400)) throw Failure{std::string{what} + ": more than a day"};
    return std::chrono::nanoseconds{static_cast<std::int64_t>(seconds * 1e9)};
}

std::string usage() {
    std::string lines = "load_generator --port PORT [option …]: load on a TCP server, from one "
                        "thread.\n\n";
    for (const Option& option : option_list) {
        std::string head = "  " + std::string{option.name} + " " + std::string{option.value};
        head.resize(help_column, ' ');
        lines += head + in_help_column(option.help) + '\n';
    }
    return lines + R"(
Before the warm-up each connection sends --depth messages, and all must come back. Prints one JSON
object: durations in ns or as they are named; "histogram" as pairs of the longest latency and how
many were up to it; "limited_by_client" is true where the client, not the server, set the figures:
it hardly ever waited for the server (be it that others kept it from its core). In an open loop it
is never true when the rate asked was kept, and also when the client was behind with sending (20
requests and 1 % left 1 ms late: "late") while the server answered what was sent. "unanswered" are
not in "requests", but their latencies, as long as they waited, are counted.
Status 2 and one line on standard error when something goes wrong.
)";
}

Options parse_options(int argc, char** argv) {
    Options options;
    std::vector<const Option*> given;
    for (int i = 1; i < argc; ++i) {
        const std::string_view name = argv[i];
        if (name == "--help" || name == "-h") {
            options.help = true;
            return options;
        }
        const auto* const option = std::ranges::find(option_list, name, &Option::name);
        if (option == option_list.end())
            throw Failure{"unknown option " + std::string{name} + "; try --help"};
        if (!option->value.empty() && ++i == argc)
            throw Failure{std::string{name} + ": its value is missing; try --help"};
        option->set(options, name, option->value.empty() ? "" : argv[i]);
        given.push_back(option);
    }
    for (const Option* option : given)
        if ((option->modes & only(options.mode)) == 0)
            throw Failure{std::string{option->name} + ": not in mode " + name_of(options.mode)};
    fill_in(options);
    check(options);
    return options;
}

} // namespace load
