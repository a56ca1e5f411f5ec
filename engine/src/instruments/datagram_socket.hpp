#pragma once

// A UDP or Unix datagram socket.

#include <deque>
#include <optional>
#include <poll.h>
#include <string>

#include "instruments/simulated_socket.hpp"

namespace pollux::simulated {

class DatagramSocket final : public Socket {
public:
    DatagramSocket(World& world, int family);
    static void join(DatagramSocket& one, DatagramSocket& other);

    std::uint32_t state() override;
    Result connect(const Address& to) override;
    Result shutdown(int how) override;
    Result send(ByteView bytes, int flags, const Address* to) override;
    Result receive(Writable into, int flags, Envelope& envelope) override;
    void release() override;
    std::string text() const override;
    bool has_peer() const override { return is_connected_; }
    Result in_queue() const override;
    std::uint32_t may_be_spurious() const override { return in_and_out; }

    /// A datagram is here. False: there was no room for it.
    bool get(std::string bytes, const Address& from);
    /// What was sent found nobody.
    void was_unreachable();

private:
    static constexpr std::uint32_t in_and_out = POLLIN | POLLOUT;
    struct Datagram {
        std::string bytes;
        Address from;
    };

    bool is_connected_ = false;
    DatagramSocket* pair_ = nullptr; // of socketpair(2)
    bool gone_ = false;
    bool receive_shut_ = false;
    bool send_shut_ = false;
    std::deque<Datagram> in_;
    std::size_t bytes_in_ = 0;
};

} // namespace pollux::simulated
