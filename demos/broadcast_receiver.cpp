// Prints each datagram that is sent to a broadcast address, or to a multicast group, with its
// sender. It is bound to that address, and so gets nothing else; several receivers share a port.
//
//     broadcast_receiver --port 7777 &
//     broadcast_receiver --port 7777 &
//     broadcast_sender --port 7777
//
//     broadcast_receiver --port 7777 --multicast 239.1.2.3 &
//     broadcast_sender --port 7777 --multicast 239.1.2.3
//
// Groups of IPv6 mostly need an --interface other than loopback, which has no route for them.

#include "common/broadcast.hpp"
#include "common/datagrams.hpp"
#include "common/text.hpp"

#include <pollux/net/interface.hpp>

using namespace pollux;

int main(int argc, char** argv) {
    demos::DatagramProgram program{
        "broadcast_receiver", "Prints what is sent to a broadcast address or a multicast group.",
        demos::broadcast_host};
    demos::Multicast multicast;
    multicast.add_to(program.options());

    return program.run(
        argc, argv,
        [&](const Address& broadcast) {
            const Address address = multicast.address(broadcast);
            Socket socket = Socket::open(address.family(), SOCK_DGRAM);
            socket.set(option::reuse_address, true);
            socket.bind(address);
            if (multicast) socket.join_group(address, interface_number(multicast.interface));
            return socket;
        },
        [](Socket&, ByteView datagram, const Address& from) {
            demos::print_line(text_of(datagram), from.to_string() + ": ");
        });
}
