// U of the catalogue: datagram sockets on the loop. A handler takes datagrams until it would block,
// whatever the trigger; that is all it has to know.

#include <array>
#include <cerrno>
#include <functional>
#include <memory>
#include <optional>
#include <poll.h>
#include <pollux/net/datagram_batch.hpp>
#include <pollux/net/message.hpp>
#include <pollux/net/socket.hpp>
#include <string>
#include <vector>

#include "support/calls.hpp"
#include "support/contract.hpp"
#include "support/library_sockets.hpp"
#include "support/streams.hpp"

using namespace pollux;
using namespace pollux_test;

namespace {

// A bound UDP socket on a loop, that notes what comes.
class Receiver {
public:
    Receiver(EventLoop& loop, const Mode& mode, std::size_t room = 65536)
        : buffer_(room),
          trigger_{mode.trigger},
          watch_{loop.watch(socket.fd(), Interest::read, mode.trigger,
                            [this](Readiness) { take_all(); })} {}

    Address address() const { return socket.local(); }
    void close() {
        watch_.stop();
        socket.close();
    }

    Socket socket = Socket::datagram(Address::ipv4_loopback(0));
    std::vector<std::string> datagrams;
    std::vector<bool> truncated;
    std::vector<int> errors;
    std::vector<Address> senders;
    std::function<void()> on_error;

private:
    void take_all() {
        for (;;) {
            const ReceivedFrom result = socket.receive_from(buffer_);
            if (result.state == IoState::would_block) break;
            if (result.state == IoState::ok) {
                datagrams.emplace_back(text_of(std::span{buffer_}.first(result.bytes)));
                truncated.push_back(result.truncated);
                senders.push_back(result.from);
                continue;
            }
            errors.push_back(result.error);
            if (const auto tell = on_error) return tell(); // this may be gone behind it
        }
        if (trigger_ == Trigger::one_shot) watch_.rearm();
    }

    std::vector<std::byte> buffer_;
    Trigger trigger_;
    Watch watch_;
};

Socket sender() { return Socket::datagram(Address::ipv4_loopback(0)); }

void deliver(Socket& from, const Address& to, std::string_view text) {
    CHECK(is(from.send_to(bytes_of(text), to), IoState::ok, text.size()));
}

// Connects to a port at which nobody is, and lets that be found out.
void ask_nobody(Receiver& receiver) {
    const Address nobody = sender().local();
    REQUIRE(receiver.socket.connect(nobody).state == ConnectState::connected);
    CHECK(is(receiver.socket.send(bytes_of("anybody?")), IoState::ok, 8));
}

} // namespace

CONTRACT_CASE("U1 datagrams keep their boundaries, order and senders", everywhere) {
    EventLoop loop{mode.backend};
    Receiver receiver{loop, mode};
    Socket one = sender();
    Socket other = sender();
    std::vector<std::string> sent;
    for (std::size_t size = 1; size <= 100; ++size) {
        sent.push_back(pattern(size * 13, static_cast<unsigned>(size)));
        deliver(size % 2 == 0 ? one : other, receiver.address(), sent.back());
    }
    run_until(loop, [&] { return receiver.datagrams.size() == sent.size(); });
    CHECK(receiver.datagrams == sent);
    CHECK(receiver.senders[0] == other.local());
    CHECK(receiver.senders[1] == one.local());
    deliver(one, receiver.address(), "later");
    run_until(loop, [&] { return receiver.datagrams.size() > sent.size(); });
    CHECK_EQ(receiver.datagrams.back(), "later");
}

CONTRACT_CASE("U2 an empty datagram is delivered, and ends nothing", everywhere) {
    EventLoop loop{mode.backend};
    Receiver receiver{loop, mode};
    Socket one = sender();
    for (const std::string_view text : {"", "x", ""}) deliver(one, receiver.address(), text);
    run_until(loop, [&] { return receiver.datagrams.size() == 3; });
    CHECK_EQ(receiver.datagrams, std::vector<std::string>{"", "x", ""});
    CHECK(receiver.errors.empty());
    settle(loop);
}

CONTRACT_CASE("U3 a datagram longer than the buffer is cut and flagged, its neighbours are whole",
              everywhere) {
    EventLoop loop{mode.backend};
    Receiver receiver{loop, mode, 4};
    Socket one = sender();
    for (const std::string_view text : {"ab", "0123456789", "cdef"})
        deliver(one, receiver.address(), text);
    run_until(loop, [&] { return receiver.datagrams.size() == 3; });
    CHECK_EQ(receiver.datagrams, std::vector<std::string>{"ab", "0123", "cdef"});
    CHECK_EQ(receiver.truncated, std::vector<bool>{false, true, false});
}

CONTRACT_CASE("U4 nobody there: the handler is told once, and the socket lives", everywhere) {
    EventLoop loop{mode.backend};
    Receiver receiver{loop, mode};
    ask_nobody(receiver);
    run_until(loop, [&] { return !receiver.errors.empty(); });
    settle(loop); // the error is gone: no spinning
    CHECK_EQ(receiver.errors, std::vector<int>{ECONNREFUSED});
    Socket now_there = Socket::datagram(receiver.socket.peer());
    deliver(now_there, receiver.address(), "here");
    run_until(loop, [&] { return !receiver.datagrams.empty(); });
    CHECK_EQ(receiver.datagrams, std::vector<std::string>{"here"});
    CHECK_EQ(receiver.errors.size(), 1);
}

CONTRACT_CASE("U5 the longest datagram passes, one byte more is EMSGSIZE and harms nobody",
              everywhere) {
    EventLoop loop{mode.backend};
    Receiver receiver{loop, mode};
    Socket one = sender();
    const std::string too_long = pattern(65'508);
    CHECK(is(one.send_to(bytes_of(too_long), receiver.address()), IoState::error, 0, EMSGSIZE));
    deliver(one, receiver.address(), too_long.substr(1));
    run_until(loop, [&] { return !receiver.datagrams.empty(); });
    CHECK(receiver.datagrams == std::vector<std::string>{too_long.substr(1)});
}

CONTRACT_CASE("U6 received and counted as dropped are together what was sent", everywhere) {
    EventLoop loop{mode.backend};
    Socket ours = sender();
    ours.set(option::receive_buffer, 1); // the least there is
    ours.set(option::count_drops, true);
    std::uint32_t received = 0;
    std::uint32_t drops = 0;
    bool last = false;
    Watch watch;
    watch = loop.watch(ours.fd(), Interest::read, mode.trigger, [&](Readiness) {
        std::array<std::byte, 2000> buffer;
        for (;;) {
            const IncomingMessage message = ours.receive_message(buffer);
            if (message.state != IoState::ok) break;
            ++received;
            drops = message.drops.value_or(drops);
            last = message.bytes == 4;
        }
        if (mode.is(Trigger::one_shot)) watch.rearm();
    });
    Socket one = sender();
    const std::string block(1000, 'b');
    for (int sent = 0; sent < 100; ++sent) send_and_await(one, ours, block);
    run_until(loop, [&] { return received > 0; });
    deliver(one, ours.local(), "last");
    run_until(loop, [&] { return last; });
    CHECK_GT(drops, 0);
    CHECK_EQ(received + drops, 101);
}

CONTRACT_CASE("U7 what would block goes when the socket is writable, in order and once",
              everywhere) {
    EventLoop loop{mode.backend};
    auto [ours, theirs] = Socket::pair(SOCK_DGRAM);
    ours.set(option::send_buffer, 20'000);
    int sent = 0;
    int blocked = 0;
    Watch watch;
    watch = loop.watch(ours.fd(), Interest::write, mode.trigger, [&, &socket = ours](Readiness) {
        for (; sent < 500; ++sent) {
            const std::string text = std::to_string(sent) + std::string(500, '.');
            const IoResult result = socket.send(bytes_of(text));
            if (result.state == IoState::would_block) {
                ++blocked;
                if (mode.is(Trigger::one_shot)) watch.rearm();
                return;
            }
            REQUIRE(result.state == IoState::ok);
        }
        watch.stop();
    });
    int received = 0;
    run_until(loop, [&, &socket = theirs] {
        std::array<std::byte, 1000> buffer;
        for (;;) {
            const ReceivedFrom result = socket.receive_from(buffer);
            if (result.state != IoState::ok) return received == 500;
            CHECK(text_of(buffer).starts_with(std::to_string(received) + "."));
            ++received;
        }
    });
    CHECK_GT(blocked, 0);
    CHECK_EQ(received, 500);
}

CONTRACT_CASE("U7 ENOBUFS is an error of this datagram alone: the next one goes", everywhere) {
    EventLoop loop{mode.backend};
    Receiver receiver{loop, mode};
    Socket one = sender();
    {
        const Calls calls{[](const CallPoint& call) {
            return error_outcome(call.name == "sendto" ? ENOBUFS : 0);
        }};
        CHECK(is(one.send_to(bytes_of("dropped"), receiver.address()), IoState::error, 0, ENOBUFS));
    }
    deliver(one, receiver.address(), "next");
    run_until(loop, [&] { return !receiver.datagrams.empty(); });
    CHECK_EQ(receiver.datagrams, std::vector<std::string>{"next"});
}

CONTRACT_CASE("U8 batches with few and small buffers take everything", everywhere) {
    EventLoop loop{mode.backend};
    Socket ours = sender();
    DatagramBatch batch{3, 4};
    std::string seen;
    Watch watch;
    watch = loop.watch(ours.fd(), Interest::read, mode.trigger, [&](Readiness) {
        for (;;) {
            const ReceivedBatch received = batch.receive(ours);
            if (received.state != IoState::ok) break;
            for (const ReceivedDatagram& datagram : received.datagrams)
                (seen += text_of(datagram.bytes)) += datagram.truncated ? "! " : " ";
        }
        if (mode.is(Trigger::one_shot)) watch.rearm();
    });
    Socket one = sender();
    std::string expected;
    for (int round = 0; round < 5; ++round) {
        for (const std::string_view text : {"0123456789", "fits", ""})
            deliver(one, ours.local(), text);
        expected += "0123! fits  ";
    }
    run_until(loop, [&] { return seen.size() >= expected.size(); });
    CHECK_EQ(seen, expected);
}

CONTRACT_CASE("U9 the handler of an error may close the socket", everywhere) {
    EventLoop loop{mode.backend};
    Receiver receiver{loop, mode};
    receiver.on_error = [&] { receiver.close(); };
    Receiver neighbour{loop, mode};
    Socket one = sender();
    ask_nobody(receiver);
    deliver(one, neighbour.address(), "unharmed");
    run_until(loop, [&] { return !receiver.errors.empty() && !neighbour.datagrams.empty(); });
    CHECK_FALSE(receiver.socket);
    settle(loop);
    CHECK_EQ(receiver.errors, std::vector<int>{ECONNREFUSED});
}

CONTRACT_CASE("U9 the handler of an error may destroy socket, watch and itself", everywhere) {
    EventLoop loop{mode.backend};
    auto receiver = std::make_unique<Receiver>(loop, mode);
    bool told = false;
    receiver->on_error = [&] {
        told = true;
        receiver.reset();
    };
    ask_nobody(*receiver);
    run_until(loop, [&] { return told; });
    CHECK_FALSE(receiver);
    settle(loop);
}
