#pragma once

#include <pollux/event_loop.hpp>

#include "service/service.hpp"

namespace pollux {

/// Makes a session for one datagram, and lets it answer from `socket`. From any thread.
void serve_datagram(Service& service, Socket& socket, ByteView datagram,
                    const Address& from) noexcept;

/// Receives the datagrams of a socket on a loop, at any trigger, for as long as it lives.
class DatagramWatch {
public:
    using OnDatagram = UniqueFunction<void(ByteView, const Address& from)>;

    /// So many datagrams in one visit, the others have their turn before the rest.
    DatagramWatch(EventLoop& loop, Socket& socket, Trigger trigger, int datagrams_per_visit,
                  OnDatagram on_datagram);
    DatagramWatch(const DatagramWatch&) = delete;
    DatagramWatch& operator=(const DatagramWatch&) = delete;

    /// So many in one visit, where nothing else says how many.
    static constexpr int usual_visit = 64;

    void pause() { watch_.pause(); }
    void resume() { watch_.resume(); }

private:
    void on_ready();

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
