#include "server/settings.hpp"

#include <array>
#include <limits>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace bench {

using namespace pollux;

namespace {

template <class Value> using Names = std::initializer_list<std::pair<std::string_view, Value>>;

template <class Value> Value named(const std::string& name, Names<Value> known) {
    std::string names;
    for (const auto& [each, value] : known) {
        if (each == name) return value;
        names += (names.empty() ? "" : ", ") + std::string{each};
    }
    throw std::invalid_argument{"'" + name + "' is none of " + names};
}

} // namespace

void Settings::add_to(demos::Options& options) {
    common.add_to_server(options);
    add_reading(options);
    add_serving(options);
    add_loops(options);
    options.flag("--stats", stats,
                 "print one line of statistics to standard error at the end and on SIGUSR1");
}

void Settings::add_reading(demos::Options& options) {
    constexpr int many = std::numeric_limits<int>::max();
    options.flag("--drain", server.connection.read_until_would_block,
                 "read on after a short read, until one would block");
    options.size("--read-size", server.connection.read_size, "bytes asked for in one read");
    options.number("--reads-per-visit", server.connection.reads_per_visit, 1, many,
                   "reads before the others have their turn");
    options.number("--accepts", server.accepts_per_visit, 0, many,
                   "connections accepted before the others have their turn; 0: one at level "
                   "trigger and with --spread exclusive, else 16");
    options.number("--backlog", server.listen.backlog, 0, many,
                   "connections that may wait to be accepted");
}

void Settings::add_serving(demos::Options& options) {
    options.text(
        "--serve", "echo|discard|answer|echo-toggling",
        [this](const std::string& name) {
            serve = named<Serve>(name, {{"echo", Serve::echo},
                                        {"discard", Serve::discard},
                                        {"answer", Serve::answer},
                                        {"echo-toggling", Serve::toggling}});
        },
        "echo: send back what comes (default); discard: nothing; answer: for each --request bytes "
        "send --answer bytes; echo-toggling: ask for writability before each answer, and for "
        "readability after it");
    options.duration(
        "--idle-timeout", idle_timeout,
        "close a connection on which nothing comes and nothing goes for so long; without "
        "it none is closed");
    options.size("--request", request, "answer: bytes of a request");
    options.size("--answer", answer, "answer: bytes of an answer");
    options.number("--work", work_microseconds, 0, 10'000'000,
                   "microseconds of CPU time burnt for each request: for each read, or where there "
                   "are requests for each of those");
}

void Settings::add_loops(demos::Options& options) {
    options.number("--loops", loops, 1, 1000, "event loops, each in a thread of its own");
    options.text(
        "--spread", "reuse_port|round_robin|least_connections|exclusive",
        [this](const std::string& name) {
            spread = named<Spread>(name, {{"reuse_port", Spread::reuse_port},
                                          {"round_robin", Spread::round_robin},
                                          {"least_connections", Spread::least_connections},
                                          {"exclusive", Spread::exclusive}});
        },
        "how connections come to several loops; the default is least_connections");
}

void Settings::check() const {
    constexpr std::uint64_t mebibyte = 1 << 20;
    constexpr std::size_t longest_read = ConnectionOptions{}.read_size;
    if (serve == Serve::toggling && loops > 1)
        throw std::invalid_argument{"--serve echo-toggling has one loop, not --loops"};
    if (serve == Serve::toggling && server.connection.read_until_would_block)
        throw std::invalid_argument{"--serve echo-toggling reads once and writes, not --drain"};
    if (server.connection.read_size < 1 || server.connection.read_size > longest_read)
        throw std::invalid_argument{"--read-size must be 1 byte to 64 KiB"};
    if (request < 1 || request > mebibyte)
        throw std::invalid_argument{"--request must be 1 byte to 1 MiB"};
    if (answer > 1024 * mebibyte) throw std::invalid_argument{"--answer goes up to 1 GiB"};
}

} // namespace bench
