// What is said of sending and receiving: docs/what_tutorials_say.md.

#include "support/descriptor_ledger.hpp"
#include "support/sockets.hpp"
#include "support/streams.hpp"
#include "support/wake_up_budget.hpp"

#include <doctest/doctest.h>

#include <cerrno>
#include <fcntl.h>
#include <poll.h>
#include <pollux/error.hpp>
#include <pollux/event_loop.hpp>
#include <string>
#include <sys/socket.h>
#include <thread>

using namespace pollux;
using namespace pollux_test;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t mebibyte = std::size_t{1} << 20;

ssize_t send_to(const Fd& to, std::string_view text) {
    return ::send(to.get(), text.data(), text.size(), MSG_NOSIGNAL);
}

} // namespace

TEST_CASE("'send loses what does not fit': it says how much it took") {
    const DescriptorLedger ledger;
    const Ends ends = unix_pair();
    const std::string text = pattern(mebibyte);
    const ssize_t taken = send_to(ends.ours, text);
    REQUIRE_GT(taken, 0);
    CHECK_LT(taken, static_cast<ssize_t>(text.size())); // a short count is no error

    const auto sent = static_cast<std::size_t>(taken);
    CHECK_EQ(drain(ends.theirs), text.substr(0, sent)); // what was counted is there
    CHECK_GT(send_to(ends.ours, std::string_view{text}.substr(sent)), 0); // the rest is yours
}

TEST_CASE("'a blocking send may take a part': it waits until all is taken") {
    const DescriptorLedger ledger;
    const Ends ends = unix_pair();
    REQUIRE_EQ(::fcntl(ends.ours.get(), F_SETFL, 0), 0);
    const std::string text = pattern(mebibyte);
    std::string got;
    std::jthread reader{[&] {
        pollfd readable{.fd = ends.theirs.get(), .events = POLLIN, .revents = 0};
        while (got.size() < text.size() && ::poll(&readable, 1, 10'000) == 1)
            got += take(ends.theirs);
    }};
    CHECK_EQ(send_to(ends.ours, text), static_cast<ssize_t>(text.size()));
    reader.join();
    CHECK(got == text);
}

TEST_CASE("'recv gives at most 8 KiB': as much as is there and has room") {
    const DescriptorLedger ledger;
    const Ends ends = tcp_pair();
    const int all = mebibyte; // readable when so much is there; tcp makes room for it
    check(::setsockopt(ends.ours.get(), SOL_SOCKET, SO_RCVLOWAT, &all, sizeof all), "setsockopt");
    const std::string text = pattern(mebibyte);
    put(ends.theirs, text);
    await(ends.ours, POLLIN);
    std::string room(mebibyte, '\0');
    CHECK_EQ(::recv(ends.ours.get(), room.data(), room.size(), 0), mebibyte);
    CHECK(room == text);
}

TEST_CASE("'one send is one recv': a stream keeps no boundaries") {
    const DescriptorLedger ledger;
    const Ends stream = unix_pair();
    for (const char* text : {"one", "two", "three"}) put(stream.ours, text);
    CHECK_EQ(take(stream.theirs), "onetwothree");
    put(stream.ours, "four");
    CHECK_EQ(take(stream.theirs, 2), "fo");
    CHECK_EQ(take(stream.theirs), "ur");
}

TEST_CASE("'what recv had no room for comes with the next one': not of a datagram") {
    const DescriptorLedger ledger;
    const Ends datagrams = udp_pair();
    put(datagrams.theirs, "one");
    put(datagrams.theirs, "two");
    await(datagrams.ours, POLLIN);
    CHECK_EQ(take(datagrams.ours, 2), "on");
    await(datagrams.ours, POLLIN);
    CHECK_EQ(take(datagrams.ours), "two"); // the "e" is gone
}

TEST_CASE("'a send that returned was received': it was put into a buffer here") {
    const DescriptorLedger ledger;
    Fd listener = tcp_listener();
    const Fd client = tcp_client(port_of(listener));
    CHECK_EQ(send_to(client, "pay ten"), 7); // nobody has accepted, nobody will
    listener.reset();
    await(client, POLLIN);
    CHECK(fails_with(client, ECONNRESET));
}

TEST_CASE("'EAGAIN and EWOULDBLOCK are two things to test for': on Linux they are one number") {
    const DescriptorLedger ledger;
    CHECK_EQ(EAGAIN, EWOULDBLOCK);
    const Ends ends = unix_pair();
    CHECK(fails_with(ends.ours, EWOULDBLOCK)); // nothing to read
    fill(ends.ours);
    CHECK_EQ(send_to(ends.ours, "x"), -1); // no room
    CHECK_EQ(errno, EAGAIN);
}

TEST_CASE("'non-blocking sockets keep the processor busy': asking in a loop does") {
    const DescriptorLedger ledger;
    const FakeClock clock;
    EventLoop loop;
    const Ends ends = unix_pair();
    const Watch watch = loop.watch(ends.ours.get(), Interest::read, Trigger::level,
                                   [](Readiness) { FAIL("nothing was sent"); });
    const WakeUpBudget budget{loop, 1};
    run_for(loop, 24h); // of a clock that the test moves
    CHECK_EQ(budget.used(), 1);
}

TEST_CASE("'reading a readable socket never blocks': another reader may have been there") {
    const DescriptorLedger ledger;
    const Ends ends = unix_pair();
    const Fd other{::fcntl(ends.ours.get(), F_DUPFD_CLOEXEC, 0)}; // say, another process's
    put(ends.theirs, "x");
    CHECK_EQ(state(ends.ours, POLLIN), POLLIN);
    CHECK_EQ(take(other), "x");
    CHECK(fails_with(ends.ours, EAGAIN)); // a blocking read would hang here
}
