#pragma once

#include "program.hpp"

#include <algorithm>
#include <chrono>
#include <pollux/stream/framing.hpp>
#include <utility>

namespace demos {

/// What a client may ask of a server that waits for whole messages.
struct MessageLimits {
    std::uint64_t size;                        ///< Bytes of a message.
    std::chrono::milliseconds timeout{30'000}; ///< From the first byte of a message to its last.

    /// --limit, --timeout
    void add_to(Options& options) {
        options.size("--limit", size, "longest message");
        options.duration("--timeout", timeout, "how long a message may take to come");
    }
};

/// Handlers of a server whose clients send messages in a framing. `take(connection, message)` gets
/// each. What can never be a message is rejected as `refusal`, an end in the middle of one as
/// `unfinished`; a client that is too slow with one is cut, and between two it may take its time.
/// The framing must not accept messages over the limit.
template <class Framing, class Take>
pollux::ConnectionHandlers message_handlers(ServerProgram& program, Framing framing,
                                            const MessageLimits& limits, std::string_view refusal,
                                            Take take) {
    using namespace pollux;
    constexpr std::size_t room_for_frame = 16;
    ConnectionOptions& options = program.limits().connection;
    options.input_limit = std::max(options.input_limit, limits.size + room_for_frame);
    options.message_timeout = limits.timeout;

    return {.on_data =
                [&program, framing, refusal, take](Connection& connection, ByteView bytes) {
                    const Taken result = take_messages(framing, bytes, [&](ByteView message) {
                        take(connection, message);
                        return true;
                    });
                    connection.user = result.taken < bytes.size() ? &program : nullptr;
                    if (result.refused) program.reject(connection, refusal);
                    return result.taken;
                },
            .on_end =
                [&program](Connection& connection) {
                    if (connection.user != nullptr)
                        program.reject(connection, "unfinished");
                    else
                        connection.close();
                }};
}

} // namespace demos
