#pragma once

#include "program.hpp"

#include <algorithm>
#include <pollux/stream/framing.hpp>
#include <utility>

namespace demos {

/// Handlers of a server whose clients send messages in a framing. `take(connection, message)` gets
/// each. What can never be a message is rejected as `refusal`, an end in the middle of one as
/// `unfinished`. The framing must not accept messages of more than `limit` bytes.
template <class Framing, class Take>
pollux::ConnectionHandlers message_handlers(ServerProgram& program, Framing framing,
                                            std::size_t limit, std::string_view refusal,
                                            Take take) {
    using namespace pollux;
    constexpr std::size_t room_for_frame = 16;
    std::size_t& kept = program.limits().connection.input_limit;
    kept = std::max(kept, limit + room_for_frame);

    return {.on_data =
                [&program, framing, refusal, take](Connection& connection, ByteView bytes) {
                    const Taken result = take_messages(framing, bytes, [&](ByteView message) {
                        take(connection, message);
                        return true;
                    });
                    // Not null while there is a part of a message.
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
