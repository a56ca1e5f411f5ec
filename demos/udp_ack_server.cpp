// Prints each datagram with its sender, and answers that it has come. What it cannot send now it
// drops: a datagram may get lost anyway. It answers neither itself, nor what says what its own
// answers say, nor system ports (echo, chargen): two servers that answer each other never end.
//
//     udp_ack_server --port 7777 &
//     udp_client --port 7777

#include "common/datagrams.hpp"
#include "common/text.hpp"

using namespace pollux;

namespace {

constexpr std::string_view answer = "已收到";

bool would_answer_for_ever(ByteView datagram, const Address& from, const Address& own) {
    constexpr int first_free_port = 1024;
    return text_of(datagram) == answer || from == own ||
           (from.family() != AF_UNIX && from.port() < first_free_port);
}

} // namespace

int main(int argc, char** argv) {
    demos::DatagramProgram program{"udp_ack_server",
                                   "Prints each datagram, and answers that it has come."};
    Address own;
    return program.run(
        argc, argv,
        [&](const Address& address) {
            Socket socket = Socket::datagram(address);
            own = socket.local();
            for (const char* const name : {"answered", "dropped", "unanswered"})
                program.counters().count(name, 0);
            return socket;
        },
        [&](Socket& socket, ByteView datagram, const Address& from) {
            demos::print_line(text_of(datagram), from.to_string() + ": ");
            if (from.unnamed() || would_answer_for_ever(datagram, from, own))
                return program.counters().count("unanswered");
            const IoResult sent = socket.send_to(bytes_of(answer), from);
            program.counters().count(sent.state == IoState::ok ? "answered" : "dropped");
        });
}
