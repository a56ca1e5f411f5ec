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
        return !closed_ && !from_.unnamed() && socket_.send_to(bytes, from_).state == IoState::ok;
    }
    void close() override { closed_ = true; }
    Address peer() const override { return from_; }

private:
    Socket& socket_;
    const Address& from_;
    bool closed_ = false;
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

bool receive_datagram(Service& service, Socket& socket, std::span<std::byte> room,
                      OnDatagram& on_datagram) {
    const ReceivedFrom got = socket.receive_from(room);
    if (got.state == IoState::would_block) return false;
    // An error is what the network says of an answer (ICMP): the socket lives on.
    if (got.state != IoState::ok) return true;
    service.count_client();
    if (got.truncated)
        service.count_shed();
    else
        on_datagram(room.first(got.bytes), got.from);
    return true;
}

DatagramWatch::DatagramWatch(Service& service, EventLoop& loop, Socket& socket, Trigger trigger,
                             int datagrams_per_visit, OnDatagram on_datagram)
    : service_{service},
      loop_{loop},
      socket_{socket},
      trigger_{trigger},
      datagrams_per_visit_{datagrams_per_visit},
      on_datagram_{std::move(on_datagram)},
      watch_{loop.watch(socket.fd(), Interest::read, trigger, [this](Readiness) { on_ready(); })} {}

void DatagramWatch::on_ready() {
    int left = datagrams_per_visit_;
    while (left > 0 && receive_datagram(service_, socket_, loop_.scratch(), on_datagram_)) --left;
    if (trigger_ == Trigger::one_shot) watch_.rearm();
    if (trigger_ == Trigger::edge && left == 0) watch_.again();
}

DatagramSessions::DatagramSessions(Service& service, EventLoop& loop, Socket& socket,
                                   Trigger trigger)
    : datagrams_{service,
                 loop,
                 socket,
                 trigger,
                 DatagramWatch::usual_visit,
                 [&service, &socket](ByteView datagram, const Address& from) {
                     serve_datagram(service, socket, datagram, from);
                 }} {}

} // namespace pollux
