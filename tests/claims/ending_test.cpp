// What is said of how connections end: docs/what_tutorials_say.md.

#include "support/child.hpp"
#include "support/descriptor_ledger.hpp"
#include "support/sockets.hpp"
#include "support/streams.hpp"

#include <doctest/doctest.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

using namespace pollux;
using namespace pollux_test;

namespace {

constexpr short everything = POLLIN | POLLOUT | POLLRDHUP;

ssize_t receive(const Fd& from) {
    static std::array<char, 65536> block;
    return ::recv(from.get(), block.data(), block.size(), MSG_DONTWAIT);
}

} // namespace

TEST_CASE("'a peer that closes is seen as a hang-up': TCP says readable and read gives 0") {
    const DescriptorLedger ledger;
    Ends tcp = tcp_pair();
    tcp.theirs.reset();
    await(tcp.ours, POLLIN);
    CHECK_EQ(state(tcp.ours, everything), POLLIN | POLLOUT | POLLRDHUP);
    CHECK_EQ(receive(tcp.ours), 0);
    CHECK_EQ(::shutdown(tcp.ours.get(), SHUT_WR), 0); // now both directions are shut
    CHECK_EQ(state(tcp.ours, everything), POLLIN | POLLOUT | POLLRDHUP | POLLHUP);

    Ends local = unix_pair();
    local.theirs.reset();
    CHECK_EQ(state(local.ours, everything), POLLIN | POLLOUT | POLLRDHUP | POLLHUP);
}

TEST_CASE("'recv returning 0 is an error': it is the orderly end") {
    const DescriptorLedger ledger;
    const Ends stream = tcp_pair();
    CHECK_EQ(::shutdown(stream.theirs.get(), SHUT_WR), 0);
    await(stream.ours, POLLIN);
    CHECK_EQ(receive(stream.ours), 0);
    put(stream.ours, "the answer"); // the other direction is open
    await(stream.theirs, POLLIN);
    CHECK_EQ(take(stream.theirs), "the answer");

    const Ends datagrams = udp_pair();
    CHECK_EQ(::send(datagrams.theirs.get(), "", 0, 0), 0);
    await(datagrams.ours, POLLIN);
    CHECK_EQ(receive(datagrams.ours), 0); // a datagram without bytes: not even an end
}

TEST_CASE("'close ends the connection': it gives up one descriptor of it") {
    const DescriptorLedger ledger;
    Ends ends = unix_pair();
    const Fd copy{::fcntl(ends.ours.get(), F_DUPFD_CLOEXEC, 0)}; // dup(2), or fork(2)
    ends.ours.reset();
    CHECK_EQ(state(ends.theirs, POLLIN), 0); // no end yet
    ::shutdown(copy.get(), SHUT_RDWR);       // this is for all who share it
    CHECK(at_end(ends.theirs));
}

TEST_CASE("'close with unread input is a clean end': it is a reset") {
    const DescriptorLedger ledger;
    for (const bool all_was_read : {true, false}) {
        Ends ends = tcp_pair();
        put(ends.theirs, "a question");
        await(ends.ours, POLLIN);
        if (all_was_read) CHECK_EQ(take(ends.ours), "a question");
        ends.ours.reset();
        await(ends.theirs, POLLIN);
        if (all_was_read)
            CHECK_EQ(receive(ends.theirs), 0);
        else
            CHECK(fails_with(ends.theirs, ECONNRESET));
    }
}

TEST_CASE("'SO_LINGER with zero seconds is a quick clean close': it throws away and resets") {
    const DescriptorLedger ledger;
    for (const bool clean : {true, false}) {
        Ends ends = tcp_pair();
        const std::size_t sent = fill(ends.ours);
        if (clean)
            ends.ours.reset();
        else
            reset(ends.ours); // SO_LINGER, on, zero seconds
        std::size_t got = 0;
        ssize_t count = 0;
        do {
            await(ends.theirs, POLLIN);
            count = receive(ends.theirs);
            got += count > 0 ? static_cast<std::size_t>(count) : 0;
        } while (count > 0);
        CHECK_EQ(count, clean ? 0 : -1);
        if (clean)
            CHECK_EQ(got, sent);
        else
            CHECK_LT(got, sent);
    }
}

TEST_CASE("'a reset destroys what was received before it': Linux keeps it to be read") {
    const DescriptorLedger ledger;
    Ends ends = tcp_pair();
    put(ends.theirs, "received before");
    await(ends.ours, POLLIN);
    reset(ends.theirs);
    await(ends.ours, POLLHUP);
    CHECK_EQ(take(ends.ours), "received before");
    CHECK(fails_with(ends.ours, ECONNRESET)); // said once …
    CHECK_EQ(receive(ends.ours), 0);          // … and then it looks like an orderly end
}

TEST_CASE("'a send to a peer that is gone fails': the second one does") {
    const DescriptorLedger ledger;
    Ends ends = tcp_pair();
    ends.theirs.reset();
    await(ends.ours, POLLIN);
    CHECK_EQ(::send(ends.ours.get(), "x", 1, MSG_NOSIGNAL), 1); // answered by a reset
    await(ends.ours, POLLHUP);
    CHECK_EQ(::send(ends.ours.get(), "x", 1, MSG_NOSIGNAL), -1);
    CHECK_EQ(errno, EPIPE);
}

TEST_CASE("'a send that fails returns -1': unless SIGPIPE ends the process before") {
    const DescriptorLedger ledger;
    Ends ends = unix_pair();
    ends.theirs.reset();
    const ChildEnd end = in_child([&](const auto&) {
        std::signal(SIGPIPE, SIG_DFL);
        CHECK_EQ(::write(ends.ours.get(), "x", 1), 1); // does not come back
    });
    CHECK_EQ(end.signal, SIGPIPE);
    CHECK_EQ(::send(ends.ours.get(), "x", 1, MSG_NOSIGNAL), -1);
    CHECK_EQ(errno, EPIPE);
}
