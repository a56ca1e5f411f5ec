#include "service/datagrams.hpp"

#include <memory>
#include <utility>

#include "service/session_link.hpp"

namespace pollux {
namespace {

class DatagramLink final : public SessionLink {
public:
    DatagramLink(Socket& socket, const Address& from) noexcept : socket_{socket}, from_{from} {}

    bool send(ByteView bytes) override {
        return !from_.unnamed() && socket_.send_to(bytes, from_).state == IoState::ok;
    }
    void close() override {}
    Address peer() const override { return from_; }

private:
    Socket& socket_;
    const Address& from_;
};

} // namespace

void serve_datagram(Service& service, Socket& socket, ByteView datagram,
                    const Address& from) noexcept {
    try {
        DatagramLink link{socket, from};
        const std::unique_ptr<Session> session = service.make_session(link);
        session->on_open();
        session->on_data(datagram);
    } catch (...) {
        service.report_failure();
    }
}

DatagramWatch::DatagramWatch(EventLoop& loop, Socket& socket, Trigger trigger,
                             int datagrams_per_visit, OnDatagram on_datagram)
    : loop_{loop},
      socket_{socket},
      trigger_{trigger},
      datagrams_per_visit_{datagrams_per_visit},
      on_datagram_{std::move(on_datagram)},
      watch_{loop.watch(socket.fd(), Interest::read, trigger, [this](Readiness) { on_ready(); })} {}

void DatagramWatch::on_ready() {
    const std::span<std::byte> into = loop_.scratch(); // no datagram is longer
    int left = datagrams_per_visit_;
    for (; left > 0; --left) {
        const ReceivedFrom datagram = socket_.receive_from(into);
        if (datagram.state == IoState::would_block) break;
        // An error is what the network says of an answer (ICMP): the socket lives on.
        if (datagram.state == IoState::ok) on_datagram_(into.first(datagram.bytes), datagram.from);
    }
    if (trigger_ == Trigger::one_shot) watch_.rearm();
    if (trigger_ == Trigger::edge && left == 0) watch_.again();
}

DatagramSessions::DatagramSessions(Service& service, EventLoop& loop, Socket& socket,
                                   Trigger trigger)
    : datagrams_{loop, socket, trigger, DatagramWatch::usual_visit,
                 [&service, &socket](ByteView datagram, const Address& from) {
                     service.count_client();
                     serve_datagram(service, socket, datagram, from);
                 }} {}

} // namespace pollux
