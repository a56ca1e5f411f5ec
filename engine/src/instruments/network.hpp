#pragma once

// Who is where: the names that sockets are bound to.

#include <cstdint>
#include <map>
#include <pollux/net/address.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "instruments/open_file.hpp"

namespace pollux::simulated {

class DatagramSocket;
class Socket;
class StreamSocket;

/// What others see of a socket with this name: of one bound to any address, the loopback one.
Address source_of(const Address& local);

class Network {
public:
    explicit Network(World& world) : world_{world} {}

    /// Gives the socket its name, with a port where it asks for any; or -EADDRINUSE.
    Result bind(Socket& socket, const Address& wanted);
    void unbind(Socket& socket);
    /// A name of its own for a socket that connects or sends before it was bound.
    void bind_to_any(Socket& socket);

    /// Who listens there, if anybody; of several that share the address, the one that is chosen.
    StreamSocket* some_listener(const Address& at) const;
    StreamSocket* choose_listener(const Address& at);
    DatagramSocket* receiver(const Address& at);

    bool has_path(std::string_view path) const { return paths_.contains(path); }
    bool unlink(std::string_view path);

private:
    bool is_taken(const Socket& by, const Address& name) const;
    std::uint16_t free_port(const Socket& by, const Address& like);
    std::vector<StreamSocket*> listeners(const Address& at) const;
    Socket* bound_to_path(std::string_view path) const;

    World& world_;
    std::vector<Socket*> bound_;
    std::map<std::string, Socket*, std::less<>> paths_; // null: nobody there any more
    std::uint16_t last_port_ = 39'999;
};

} // namespace pollux::simulated
