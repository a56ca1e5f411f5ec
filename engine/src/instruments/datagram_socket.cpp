#include "instruments/datagram_socket.hpp"

#include <algorithm>
#include <cstring>
#include <netinet/in.h>

namespace pollux::simulated {
namespace {

constexpr std::size_t largest_datagram = 65507;

/// One that is under way by itself, so that another may overtake it.
class Late final : public Flow {
public:
    Late(DatagramSocket& from, std::string bytes, const Address& to)
        : from_{&from}, bytes_{std::move(bytes)}, sender_{source_of(from.local)}, to_{to} {}

    bool can_arrive() const override { return !over_; }
    bool is_over() const override { return over_; }
    void arrive() override {
        over_ = true;
        if (DatagramSocket* const there = from_->world().network.receiver(to_))
            there->get(std::move(bytes_), sender_);
        else
            from_->was_unreachable();
    }

private:
    DatagramSocket* from_;
    std::string bytes_;
    Address sender_;
    Address to_;
    bool over_ = false;
};

} // namespace

DatagramSocket::DatagramSocket(World& world, int of_family)
    : Socket{world, of_family, SOCK_DGRAM, of_family == AF_UNIX ? 0 : IPPROTO_UDP} {}

void DatagramSocket::join(DatagramSocket& one, DatagramSocket& other) {
    one.pair_ = &other;
    other.pair_ = &one;
    one.is_connected_ = other.is_connected_ = true;
}

std::uint32_t DatagramSocket::state() {
    std::uint32_t bits = POLLOUT;
    if (error != 0) bits |= POLLERR;
    if (receive_shut_) bits |= POLLIN | POLLRDHUP;
    if (receive_shut_ && send_shut_) bits |= POLLHUP;
    if (!in_.empty()) bits |= POLLIN;
    return bits;
}

Result DatagramSocket::connect(const Address& to) {
    if (to.family() == AF_UNSPEC) {
        is_connected_ = false;
        peer_name = {};
        return 0;
    }
    if (to.family() != family) return -EAFNOSUPPORT;
    if (family == AF_UNIX && world().network.receiver(to) == nullptr) return -ECONNREFUSED;
    world().network.bind_to_any(*this);
    local = source_of(local);
    peer_name = source_of(to);
    is_connected_ = true;
    return 0;
}

Result DatagramSocket::shutdown(int how) {
    if (!is_connected_) return -ENOTCONN;
    if (how != SHUT_WR) receive_shut_ = true;
    if (how != SHUT_RD) send_shut_ = true;
    wake(0);
    return 0;
}

Result DatagramSocket::send(ByteView bytes, int /*flags*/, const Address* to) {
    if (error != 0) return -take_error();
    if (send_shut_) return -EPIPE;
    if (bytes.size() > largest_datagram) return -EMSGSIZE;
    const auto size = static_cast<Result>(bytes.size());
    std::string copy{text_of(bytes)};
    if (pair_ != nullptr) {
        if (pair_->gone_) return -ECONNREFUSED;
        return pair_->get(std::move(copy), local) ? size : -EAGAIN;
    }
    if (to == nullptr && !is_connected_) return -EDESTADDRREQ;
    const Address target = source_of(to == nullptr ? peer_name : *to);
    if (target.family() != family) return -EAFNOSUPPORT;
    world().network.bind_to_any(*this);
    if (family == AF_UNIX) {
        DatagramSocket* const there = world().network.receiver(target);
        if (there == nullptr) return -ECONNREFUSED;
        return there->get(std::move(copy), local) ? size : -EAGAIN;
    }
    const Variations& vary = world().options.vary;
    if (world().odd(vary.lost_datagrams, "a datagram is lost")) return size;
    Late datagram{*this, std::move(copy), target};
    if (world().odd(vary.late_arrival, "a datagram arrives later"))
        world().under_way(world().keep<Late>(std::move(datagram)));
    else
        datagram.arrive();
    return size;
}

bool DatagramSocket::get(std::string bytes, const Address& from) {
    if (gone_ || receive_shut_) return false;
    if (is_connected_ && pair_ == nullptr && !(from == peer_name)) return true;
    if (!in_.empty() && bytes_in_ + bytes.size() > receive_buffer) return false;
    bytes_in_ += bytes.size();
    in_.push_back({std::move(bytes), from});
    wake(POLLIN | POLLPRI);
    return true;
}

void DatagramSocket::was_unreachable() {
    if (!is_connected_ || gone_) return; // who is not connected does not hear of it
    error = ECONNREFUSED;
    wake(POLLERR);
}

Result DatagramSocket::receive(Writable into, int flags, Envelope& envelope) {
    if (error != 0) return -take_error();
    if (in_.empty()) {
        if (receive_shut_) return 0;
        if (!blocks(flags)) return -EAGAIN;
        const auto has_news = [&] { return !in_.empty() || receive_shut_ || error != 0; };
        if (const Result waited = world().wait(has_news); waited < 0) return waited;
        return receive(into, flags, envelope);
    }
    const Datagram& next = in_.front();
    const std::size_t size = std::min(into.size(), next.bytes.size());
    std::memcpy(into.data(), next.bytes.data(), size);
    envelope = {.from = next.from, .whole_size = next.bytes.size()};
    if ((flags & MSG_PEEK) != 0) return static_cast<Result>(size);
    bytes_in_ -= next.bytes.size();
    in_.pop_front();
    return static_cast<Result>((flags & MSG_TRUNC) != 0 ? envelope.whole_size : size);
}

Result DatagramSocket::in_queue() const {
    return in_.empty() ? 0 : static_cast<Result>(in_.front().bytes.size());
}

void DatagramSocket::release() {
    gone_ = true;
    world().network.unbind(*this);
}

std::string DatagramSocket::text() const {
    std::string text = family == AF_UNIX ? "unix datagrams" : "udp";
    if (!local.unnamed()) text += " " + local.to_string();
    return peer_name.unnamed() ? text : text + " -> " + peer_name.to_string();
}

} // namespace pollux::simulated
