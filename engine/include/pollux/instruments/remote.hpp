#pragma once

#include <cstddef>
#include <optional>
#include <pollux/net/address.hpp>
#include <string>
#include <string_view>

// The others in a Simulation: whoever the program talks to.

namespace pollux {

class Simulation;
namespace simulated {
class StreamSocket;
class DatagramSocket;
} // namespace simulated

/// The other end of a connection, outside the program: a peer that a test plays. A small value
/// that refers to the simulation and does not outlive it. No call of it ever waits; destroying it
/// does not close.
class RemoteEnd {
public:
    RemoteEnd() = default; ///< Nobody; `closed`.

    /// As far as there is room in the buffers between the two; returns how much that was.
    std::size_t send(std::string_view bytes);
    /// How much room there is. More may come only when the program reads.
    std::size_t room() const;
    /// One byte of urgent data (TCP alone). False: no room for it, or nobody to send it to.
    bool send_urgent(char byte);
    /// Takes what has arrived, at most so much of it. While nobody takes it the buffers fill up,
    /// and the program feels that.
    std::string receive(std::size_t most = std::string::npos);
    /// How much has arrived and was not taken yet.
    std::size_t arrived() const;

    void shut();  ///< Nothing more will be sent; the program reads to the end (shutdown(2)).
    void close(); ///< As close(2): with input that nobody took, TCP says it with a reset.
    void reset(); ///< Breaks the connection off. A Unix socket knows no reset, and closes.

    bool connected() const; ///< Established, and neither closed nor reset since.
    bool refused() const;   ///< The program refused it, or nobody listened.
    bool was_reset() const; ///< The program, or its kernel, broke it off.
    bool ended() const;     ///< The program said its end and all before it has been taken.
    bool closed() const;    ///< By this side: `close` or `reset`.

    Address local() const; ///< Its own; unnamed after `close`.
    Address peer() const;  ///< The program's.

private:
    friend class Simulation;
    friend class RemoteListener;
    explicit RemoteEnd(simulated::StreamSocket* socket) : socket_{socket} {}

    simulated::StreamSocket* socket_ = nullptr;
    bool closed_ = false;
};

/// Where the program may connect to. A small value, as RemoteEnd.
class RemoteListener {
public:
    /// The next one who connected, if any.
    std::optional<RemoteEnd> accept();
    /// How many could be accepted now.
    std::size_t waiting() const;
    Address address() const;
    void close(); ///< From now on those who connect are refused; who waits still is reset.

private:
    friend class Simulation;
    explicit RemoteListener(simulated::StreamSocket* socket) : socket_{socket} {}

    simulated::StreamSocket* socket_;
};

/// A datagram and who sent it.
struct RemoteDatagram {
    std::string bytes;
    Address from;
};

/// Somebody who sends datagrams and gets some. A small value, as RemoteEnd.
class RemotePeer {
public:
    void send_to(const Address& to, std::string_view bytes);
    std::optional<RemoteDatagram> receive();
    Address address() const;
    void close(); ///< What is sent to it from now on is refused.

private:
    friend class Simulation;
    explicit RemotePeer(simulated::DatagramSocket* socket) : socket_{socket} {}

    simulated::DatagramSocket* socket_;
};

} // namespace pollux
