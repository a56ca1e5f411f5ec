#pragma once

#include "contract.hpp"
#include "streams.hpp"

#include <functional>
#include <optional>
#include <string>

namespace pollux_test {

/// What many cases start with: a set that echoes, on its loop, with one connection.
struct EchoCase {
    /// `adopt` is `adopt_unix` or `adopt_tcp`; `change` may replace some of the handlers.
    explicit EchoCase(const Mode& mode, Adopted (*adopt)(pollux::ConnectionSet&),
                      pollux::ConnectionOptions options = {},
                      const std::function<void(pollux::ConnectionHandlers&)>& change = {})
        : loop{mode.backend} {
        options.trigger = mode.trigger;
        pollux::ConnectionHandlers handlers = note_and_echo(seen);
        if (change) change(handlers);
        set.emplace(loop, std::move(handlers), options);
        one = adopt(*set);
    }

    pollux::Connection& connection() { return *set->find(one.id); }

    /// All that the peer gets until the stream ends.
    std::string until_end() {
        std::string got;
        run_until(loop, [&] {
            got += drain(one.theirs);
            return at_end(one.theirs);
        });
        return got;
    }

    Seen seen;
    pollux::EventLoop loop;
    std::optional<pollux::ConnectionSet> set;
    Adopted one;
};

} // namespace pollux_test
