// Torture of datagrams: an echo over UDP, one by one and in batches.

#include "torture/torture.hpp"

#include <array>
#include <cstring>
#include <new>
#include <optional>
#include <pollux/net/datagram_batch.hpp>
#include <string_view>
#include <sys/socket.h>
#include <vector>

using namespace pollux;
using namespace pollux_test;

namespace {

constexpr std::array<std::string_view, 3> texts{"one", "", "three"};

// An error of one datagram is told, and ends nothing.
class OneByOne {
public:
    explicit OneByOne(Trial& trial) : trial_{trial} {}

    void serve(Socket& socket) {
        for (int left = 16; left > 0; --left) {
            const ReceivedFrom came = socket.receive_from(buffer_);
            if (came.state == IoState::would_block) return;
            if (came.state == IoState::error)
                trial_.report(::strerrorname_np(came.error));
            else
                answer(socket, came);
        }
    }

private:
    // One that does not go now is dropped, as datagrams are.
    void answer(Socket& socket, const ReceivedFrom& came) {
        const IoResult sent = socket.send_to(ByteView{buffer_}.first(came.bytes), came.from);
        if (sent.state != IoState::ok)
            trial_.report(sent.error == 0 ? "dropped" : ::strerrorname_np(sent.error));
    }
    Trial& trial_;
    std::array<std::byte, 100> buffer_{};
};

class Batches {
public:
    explicit Batches(Trial& trial) : trial_{trial} {}

    void serve(Socket& socket) {
        for (int left = 16; left > 0; --left) {
            const ReceivedBatch came = batch_.receive(socket);
            if (came.state == IoState::would_block) return;
            if (came.state == IoState::ok)
                answer(socket, came.datagrams);
            else
                trial_.report(::strerrorname_np(came.error));
        }
    }

private:
    void answer(Socket& socket, std::span<const ReceivedDatagram> datagrams) {
        std::vector<OutgoingDatagram> answers;
        for (const ReceivedDatagram& each : datagrams) answers.push_back({each.bytes, each.from});
        for (std::span<const OutgoingDatagram> left{answers}; !left.empty();) {
            const SentBatch sent = batch_.send(socket, left);
            if (sent.state == IoState::error) trial_.report(::strerrorname_np(sent.error));
            if (sent.state == IoState::would_block) trial_.report("dropped");
            left = left.subspan(sent.state == IoState::ok ? sent.count : 1);
        }
    }
    Trial& trial_;
    DatagramBatch batch_{8, 100};
};

template <class Server> struct Echo {
    explicit Echo(Trial& in) : trial{in} {}

    bool set_up() {
        return trial.act([this] {
            watch.stop();
            socket.close();
            if (!loop) loop.emplace(trial.mode.backend);
            server.emplace(trial);
            socket = Socket::datagram(Address::ipv4_loopback(0));
            watch = loop->watch(socket.fd(), Interest::read, trial.mode.trigger,
                                [this](Readiness) { on_readable(); });
            is_up = true;
        });
    }

    // On every way out it must hear of what it left (bug-C5).
    void on_readable() {
        try {
            server->serve(socket);
        } catch (const std::bad_alloc&) {
            trial.report("no memory");
            if (trial.mode.is(Trigger::edge)) watch.again();
        }
        if (trial.mode.is(Trigger::one_shot)) watch.rearm();
    }

    // Whether all came back. After an error nobody waits for what it concerned.
    bool ask() {
        const Address there = socket.local();
        const Fd client{::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
        REQUIRE_EQ(::connect(client.get(), there.data(), there.size()), 0);
        for (const std::string_view text : texts)
            static_cast<void>(::send(client.get(), text.data(), text.size(), 0));
        const int reports = trial.reports();
        std::size_t back = 0;
        bool right = true;
        trial.until(*loop, [&] {
            std::array<char, 100> got;
            for (ssize_t size = 0; size >= 0 && back < texts.size();) {
                size = ::recv(client.get(), got.data(), got.size(), 0);
                if (size < 0) break;
                right = right && texts[back++] ==
                                     std::string_view{got.data(), static_cast<std::size_t>(size)};
            }
            return back == texts.size() || trial.reports() > reports;
        });
        return right && back == texts.size();
    }

    void end() {
        trial.act([this] {
            watch.stop();
            socket.close();
            server.reset();
            loop.reset();
        });
    }

    Trial& trial;
    std::optional<EventLoop> loop;
    std::optional<Server> server;
    Socket socket;
    Watch watch;
    bool is_up = false;
};

template <class Server> void datagrams_come_back(Trial& trial) {
    Echo<Server> echo{trial};
    const bool right = echo.set_up() && echo.ask();
    trial.rest();
    trial.expect(echo.is_up || echo.set_up(), "it can be set up again");
    trial.expect(echo.ask(), "the next client is served");
    trial.go_on();
    echo.end();
    trial.right(right);
}

constexpr TortureOptions real_clock{.fake_clock = false};

} // namespace

CONTRACT_CASE("torture X1 X3 X4 datagrams", everywhere) {
    torture(mode, "datagrams", datagrams_come_back<OneByOne>, real_clock);
}
CONTRACT_CASE("torture X1 X3 X4 datagrams in batches", everywhere) {
    torture(mode, "datagrams in batches", datagrams_come_back<Batches>, real_clock);
}
