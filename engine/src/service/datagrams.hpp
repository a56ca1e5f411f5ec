#pragma once

#include <pollux/event_loop.hpp>

#include "service/service.hpp"

namespace pollux {

/// Makes a session for one datagram, and lets it answer from `socket`. From any thread.
void serve_datagram(Service& service, Socket& socket, ByteView datagram,
                    const Address& from) noexcept;

using OnDatagram = UniqueFunction<void(ByteView, const Address& from)>;

/// Takes and counts the next datagram. One that does not fit into `room`, a loop's scratch, is let
/// go: only Unix sockets have longer ones. False: there is none now.
bool receive_datagram(Service& service, Socket& socket, std::span<std::byte> room,
                      OnDatagram& on_datagram);

/// Receives the datagrams of a socket on a loop, at any trigger, for as long as it lives.
class DatagramWatch {
public:
    /// So many datagrams in one visit, the others have their turn before the rest.
    DatagramWatch(Service& service, EventLoop& loop, Socket& socket, Trigger trigger,
                  int datagrams_per_visit, OnDatagram on_datagram);
    DatagramWatch(const DatagramWatch&) = delete;
    DatagramWatch& operator=(const DatagramWatch&) = delete;

    /// So many in one visit, where nothing else says how many.
    static constexpr int usual_visit = 64;

    void pause() { watch_.pause(); }
    void resume() { watch_.resume(); }

private:
    void on_ready();

    Service& service_;
    EventLoop& loop_;
    Socket& socket_;
    Trigger trigger_;
    int datagrams_per_visit_;
    OnDatagram on_datagram_;
    Watch watch_;
};

/// The same with a session for each.
class DatagramSessions {
public:
    DatagramSessions(Service& service, EventLoop& loop, Socket& socket, Trigger trigger);

private:
    DatagramWatch datagrams_;
};

} // namespace pollux
