#pragma once

#include <cstddef>
#include <map>
#include <pollux/clock.hpp>
#include <pollux/net/address.hpp>
#include <string>

namespace demos {

/// How often an address may try within a time. An IPv6 address counts by its network of 64 bits,
/// which one customer has all of; the peers of a Unix socket count together.
class AttemptLimit {
public:
    AttemptLimit(std::size_t attempts, pollux::Clock::duration per) noexcept
        : attempts_{attempts}, per_{per} {}

    /// The part of an address that counts.
    static std::string place(const pollux::Address& address);

    /// Whether it may try once more; that is counted.
    bool take(const std::string& place, pollux::Clock::time_point now);
    /// A try that should not count after all.
    void give_back(const std::string& place);

private:
    struct Window {
        pollux::Clock::time_point begin;
        std::size_t count = 0;
    };
    void make_room(pollux::Clock::time_point now);

    std::size_t attempts_;
    pollux::Clock::duration per_;
    std::map<std::string, Window> windows_;
};

} // namespace demos
