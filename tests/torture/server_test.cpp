// Torture of servers.

#include "torture/serving.hpp"
#include "torture/torture.hpp"

#include "support/streams.hpp"

#include <array>
#include <cstdint>
#include <pollux/stream/framing.hpp>
#include <string>

using namespace pollux;
using namespace pollux_test;

namespace {

// Small buffers: what is sent at once has to wait for the client.
ConnectionHandlers echo() {
    return {.on_open =
                [](Connection& connection) { connection.socket().set(option::send_buffer, 4096); },
            .on_data =
                [](Connection& connection, ByteView bytes) {
                    connection.send(bytes);
                    return bytes.size();
                }};
}

// Frames, of which a piece may come, or many at once.
ConnectionHandlers framed_echo() {
    return {.on_data = [](Connection& connection, ByteView bytes) {
        const Taken taken = take_messages(LengthFraming{5000}, bytes, [&](ByteView message) {
            std::array<std::byte, LengthFraming::head> head{};
            LengthFraming::put_length(static_cast<std::int32_t>(message.size()), head);
            connection.send(head);
            return connection.send(message);
        });
        if (taken.refused) connection.abort();
        return taken.taken;
    }};
}

std::string frames(std::size_t count, std::size_t size) {
    std::string text;
    for (unsigned frame = 1; frame <= count; ++frame) {
        std::array<std::byte, LengthFraming::head> head{};
        LengthFraming::put_length(static_cast<std::int32_t>(size), head);
        text += text_of(head);
        text += pattern(size, frame);
    }
    return text;
}

void echo_is_served(Trial& trial) {
    static const std::string text = pattern(20000);
    static const Service service{
        .handlers = echo,
        .text = text,
        .answer = text,
        .piece = 7000,
        .options = {.connection = {.high_water = 8000, .low_water = 4000}}};
    serve(trial, service);
}

void frames_are_served(Trial& trial) {
    static const std::string text = frames(3, 1000);
    static const Service service{
        .handlers = framed_echo, .text = text, .answer = text, .piece = 1004};
    serve(trial, service);
}

} // namespace

CONTRACT_CASE("torture X1 X2 X3 X4 echo", everywhere) { torture(mode, "echo", echo_is_served); }
CONTRACT_CASE("torture X1 X2 X3 X4 framed echo", everywhere) {
    torture(mode, "framed echo", frames_are_served);
}
CONTRACT_CASE("torture X1 X4 echo while there is nothing to be had", everywhere) {
    torture_lasting(mode, "echo, lasting", echo_is_served);
}
CONTRACT_CASE("torture X5 echo under many faults", everywhere) {
    torture_at_random(mode, "echo, many faults", echo_is_served, 200);
}
CONTRACT_CASE("torture X5 framed echo under many faults", everywhere) {
    torture_at_random(mode, "framed echo, many faults", frames_are_served, 200);
}
