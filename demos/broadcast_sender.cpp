// Sends each line of standard input as a datagram to a broadcast address, or to a multicast group.
// Who receives it, and whether anybody does, it does not know: see broadcast_receiver.
//
//     echo "Is anybody there?" | broadcast_sender --port 7777

#include "common/broadcast.hpp"
#include "common/datagrams.hpp"

#include <iostream>
#include <pollux/net/interface.hpp>

using namespace pollux;

namespace {

Socket connected(const Address& address, const demos::Multicast& multicast) {
    Socket socket = Socket::open(address.family(), SOCK_DGRAM);
    socket.set(option::broadcast, true); // else EACCES: nobody shall do it by accident
    if (multicast) socket.set_multicast_interface(interface_number(multicast.interface));
    if (const ConnectResult result = socket.connect(address); result.error != 0)
        throw std::system_error{result.error_code(), "connect " + address.to_string()};
    return socket;
}

} // namespace

int main(int argc, char** argv) {
    demos::Options options{"broadcast_sender",
                           "Lines as datagrams to a broadcast address or a multicast group."};
    demos::CommonOptions common;
    common.host = demos::broadcast_host;
    demos::Multicast multicast;
    common.add_to_client(options);
    multicast.add_to(options);
    return demos::run(options, argc, argv, [&] {
        const Address address = multicast.address(common.server().look_up_and_wait());
        EventLoop loop = common.make_loop();
        Socket socket = connected(address, multicast);
        int status = 0;
        const demos::DatagramLines lines{loop, socket,
                                         [&](std::error_code error) {
                                             std::cerr << "broadcast_sender: " << error.message()
                                                       << std::endl;
                                             status = 1;
                                         },
                                         [&] { loop.stop(); }};
        loop.run();
        return status;
    });
}
