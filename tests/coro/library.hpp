#pragma once

// What the tests of coroutines on descriptors share.

#include "support/contract.hpp"
#include "support/library_sockets.hpp"
#include "support/streams.hpp"

#include <array>
#include <pollux/coro/scope.hpp>
#include <pollux/coro/sleep.hpp>
#include <pollux/coro/stream.hpp>
#include <string>

namespace pollux_test {

/// A stream of the library and the other end of it.
struct Talk {
    explicit Talk(pollux::EventLoop& loop, const Mode& mode, Ends (*connect)() = unix_pair)
        : Talk{loop, mode, connect()} {}
    Talk(pollux::EventLoop& loop, const Mode& mode, Ends ends)
        : ours{loop, pollux::Socket::adopt(std::move(ends.ours)), mode.trigger},
          theirs{std::move(ends.theirs)} {}

    pollux::coro::Stream ours;
    pollux::Fd theirs;
};

/// Reads until the stream ends; "ECONNRESET" or the like when it fails.
inline pollux::coro::Task<std::string> read_all(pollux::coro::Stream& from,
                                                std::size_t block = 4096) {
    std::string all;
    std::string buffer(block, '\0');
    for (;;) {
        const pollux::IoResult result =
            co_await from.read(std::as_writable_bytes(std::span{buffer}));
        if (result.state == pollux::IoState::end) co_return all;
        if (result.state == pollux::IoState::error) co_return result.error_code().message();
        all.append(buffer, 0, result.bytes);
    }
}

/// Sends back what comes until the stream ends or fails.
inline pollux::coro::Task<> echo(pollux::coro::Stream client) {
    for (;;) {
        const std::span<std::byte> into = client.loop().scratch();
        const pollux::IoResult came = co_await client.read(into);
        if (came.state != pollux::IoState::ok) co_return;
        const pollux::IoResult went = co_await client.write(into.first(came.bytes));
        if (went.state != pollux::IoState::ok) co_return;
    }
}

} // namespace pollux_test
