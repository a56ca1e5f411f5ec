#pragma once

#include "common/program.hpp"

#include <chrono>
#include <cstdint>
#include <pollux/stream/server.hpp>
#include <pollux/stream/server_pool.hpp>

namespace bench {

/// What is done with what comes.
enum class Serve : std::uint8_t {
    echo,     ///< Sent back.
    discard,  ///< Thrown away.
    answer,   ///< For each request of a fixed size an answer of another size.
    toggling, ///< Sent back by `TogglingEcho`.
};

/// The axes along which one server differs from another, from its command line.
struct Settings {
    demos::CommonOptions common;
    pollux::ServerOptions server;
    int loops = 1;
    pollux::Spread spread = pollux::Spread::least_connections;

    Serve serve = Serve::echo;
    std::uint64_t request = 64; ///< Bytes, for `Serve::answer`.
    std::uint64_t answer = 64;  ///< Bytes.
    int work_microseconds = 0;
    std::chrono::milliseconds idle_timeout{0}; ///< 0: none.
    bool stats = false;

    void add_to(demos::Options& options);
    /// CPU time to be burnt for each request.
    std::chrono::nanoseconds work() const { return std::chrono::microseconds{work_microseconds}; }
    /// When the command line is parsed. Throws `std::invalid_argument` for what does not go
    /// together.
    void check() const;

private:
    void add_reading(demos::Options& options);
    void add_serving(demos::Options& options);
    void add_loops(demos::Options& options);
};

} // namespace bench
