// Datagrams: each comes whole, once or never, from whom it says.

#include "exploring.hpp"

#include <algorithm>
#include <array>
#include <pollux/net/socket.hpp>
#include <string>
#include <vector>

using namespace pollux;
using namespace pollux_test;

namespace {

// Sends back each datagram.
class DatagramEcho {
public:
    DatagramEcho(const Mode& mode, EventLoop& loop)
        : trigger_{mode.trigger},
          watch_{loop.watch(socket_.fd(), Interest::read, mode.trigger,
                            [this](Readiness) { read(); })} {}

    std::size_t count() const { return count_; }

private:
    void read() {
        std::array<std::byte, 2000> buffer{};
        for (;;) {
            const ReceivedFrom came = socket_.receive_from(buffer);
            if (came.state == IoState::would_block) break;
            expect(came.state == IoState::ok, "no error of a datagram");
            ++count_;
            socket_.send_to(ByteView{buffer}.first(came.bytes), came.from);
            if (trigger_ == Trigger::level) return; // it is told again
        }
        if (trigger_ == Trigger::one_shot) watch_.rearm();
    }

    Trigger trigger_;
    Socket socket_ = Socket::datagram(Address::ipv4_loopback(7777));
    Watch watch_;
    std::size_t count_ = 0;
};

// Datagrams may overtake each other.
std::vector<std::string> sorted(std::vector<std::string> all) {
    std::ranges::sort(all);
    return all;
}

const std::vector<std::string> sent{"one", "", "three", std::string(1000, '4')};

std::vector<std::string> echoed(const Mode& mode, Simulation& simulation) {
    EventLoop loop{mode.backend};
    const DatagramEcho echo{mode, loop};
    RemotePeer peer = simulation.datagrams(Address::ipv4_loopback(40'000));
    for (const std::string& bytes : sent) peer.send_to(Address::ipv4_loopback(7777), bytes);
    bool is_over = false;
    const Timer end = loop.run_after(std::chrono::hours{1}, [&] { is_over = true; });
    pollux::run_until(loop, [&] { return is_over; });
    simulation.deliver();
    std::vector<std::string> got;
    while (const auto datagram = peer.receive()) {
        expect(datagram->from == Address::ipv4_loopback(7777), "from the server");
        got.push_back(datagram->bytes);
    }
    return got;
}

} // namespace

CONTRACT_CASE("U1 U2 U7 where none is lost every datagram comes back once, whole",
              where_simulated) {
    const auto trial = [&](Simulation& simulation, Choices&) {
        expect(sorted(echoed(mode, simulation)) == sorted(sent), "all of them");
    };
    Variations vary;
    vary.lost_datagrams = false;
    check_all(mode, thorough(200, 100), in_simulation(small_scope(vary), trial));
}

CONTRACT_CASE("U1 where some are lost the others come back whole, and none twice",
              where_simulated) {
    const auto trial = [&](Simulation& simulation, Choices&) {
        expect(std::ranges::includes(sorted(sent), sorted(echoed(mode, simulation))),
               "only what was sent, and none twice");
    };
    check_all(mode, thorough(100, 100), in_simulation(small_scope(), trial));
}
