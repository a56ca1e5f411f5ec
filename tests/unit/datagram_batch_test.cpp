// Many datagrams with one system call.

#include <doctest/doctest.h>

#include <array>
#include <cerrno>
#include <limits>
#include <poll.h>
#include <pollux/instruments/call_hook.hpp>
#include <pollux/net/datagram_batch.hpp>
#include <pollux/net/message.hpp>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "support/descriptor_ledger.hpp"
#include "support/library_sockets.hpp"
#include "support/observing.hpp"

using namespace pollux;
using namespace pollux_test;

namespace {

std::vector<OutgoingDatagram> addressed(const std::vector<std::string_view>& texts,
                                        const Address& to) {
    std::vector<OutgoingDatagram> datagrams;
    for (const std::string_view text : texts) datagrams.push_back({bytes_of(text), to});
    return datagrams;
}

// Two of Unix, with names: what is sent is there at once, and a batch is not cut by chance.
std::pair<Socket, Socket> unix_datagrams(const Directory& directory) {
    return {Socket::datagram(Address::unix_path(directory / "ours")),
            Socket::datagram(Address::unix_path(directory / "theirs"))};
}

// The datagrams' texts, as many as were sent.
std::vector<std::string> all_received(Socket& from, DatagramBatch& batch, std::size_t count) {
    std::vector<std::string> texts;
    while (texts.size() < count) {
        await(from, POLLIN);
        const ReceivedBatch received = batch.receive(from);
        REQUIRE(received.state == IoState::ok);
        for (const ReceivedDatagram& datagram : received.datagrams)
            texts.emplace_back(text_of(datagram.bytes));
    }
    return texts;
}

std::string bytes_like_no_other(std::size_t size) {
    std::string text;
    while (text.size() < size) text += std::to_string(text.size()) + " ";
    text.resize(size);
    return text;
}

} // namespace

TEST_CASE("a batch comes with one call, each with its sender") {
    const DescriptorLedger ledger;
    const Directory directory;
    auto [ours, theirs] = unix_datagrams(directory);
    DatagramBatch batch{8, 100};
    const std::vector<std::string_view> texts{"one", "", "three"};
    const SentBatch sent = batch.send(theirs, addressed(texts, ours.local()));
    CHECK(sent.state == IoState::ok);
    CHECK_EQ(sent.count, 3);
    const Address sender = theirs.local();
    const CallRecord calls;
    const ReceivedBatch received = batch.receive(ours);
    CHECK_EQ(received.datagrams.size(), 3);
    for (std::size_t place = 0; place < received.datagrams.size(); ++place) {
        CHECK_EQ(text_of(received.datagrams[place].bytes), texts.at(place));
        CHECK(received.datagrams[place].from == sender);
        CHECK_FALSE(received.datagrams[place].truncated);
    }
    CHECK(batch.receive(ours).state == IoState::would_block);
    CHECK_EQ(calls.made(), "recvmmsg*2");
}

TEST_CASE("U8 small buffers cut each datagram by itself, and say of which") {
    const DescriptorLedger ledger;
    const Directory directory;
    auto [ours, theirs] = unix_datagrams(directory);
    DatagramBatch batch{3, 4};
    const std::vector<std::string_view> texts{"0123456789", "fits", "", "01234", "next"};
    DatagramBatch sender{8, 0};
    CHECK_EQ(sender.send(theirs, addressed(texts, ours.local())).count, 5);
    std::string seen;
    for (int round = 0; round < 2; ++round)
        for (const ReceivedDatagram& datagram : batch.receive(ours).datagrams)
            (seen += text_of(datagram.bytes)) += datagram.truncated ? "! " : " ";
    CHECK_EQ(seen, "0123! fits  0123! next ");
}

TEST_CASE("a batch is echoed from the memory it was received into") {
    const DescriptorLedger ledger;
    const Directory directory;
    auto [ours, theirs] = unix_datagrams(directory);
    DatagramBatch batch{4, 100};
    CHECK_EQ(batch.send(theirs, addressed({"a", "b", "c"}, ours.local())).count, 3);
    std::vector<OutgoingDatagram> answers;
    for (const ReceivedDatagram& datagram : batch.receive(ours).datagrams)
        answers.push_back({datagram.bytes, datagram.from});
    CHECK_EQ(batch.send(ours, answers).count, 3);
    CHECK(all_received(theirs, batch, 3) == std::vector<std::string>{"a", "b", "c"});
}

TEST_CASE("a batch says how many went, and then what was wrong with the next") {
    const DescriptorLedger ledger;
    auto [ours, theirs] = udp_sockets();
    DatagramBatch batch{4, 100};
    const std::string too_long(65'508, 'x');
    const auto datagrams = addressed({"a", "b", too_long, "c", "d"}, ours.local());
    const std::span<const OutgoingDatagram> all{datagrams};
    CHECK_EQ(batch.send(theirs, all).count, 2);
    const SentBatch refused = batch.send(theirs, all.subspan(2));
    CHECK_EQ(refused.count, 0);
    CHECK(refused.error_code() == std::errc::message_size);
    CHECK_EQ(batch.send(theirs, all.subspan(3)).count, 2);
    CHECK_EQ(batch.send(theirs, {}).count, 0);
    // More than there is room for: the first of them.
    CHECK_EQ(batch.send(theirs, addressed({"1", "2", "3", "4", "5"}, ours.local())).count, 4);
    CHECK_EQ(all_received(ours, batch, 8).back(), "4");
}

TEST_CASE("a batch to a full queue goes as far as it goes, then would block") {
    const DescriptorLedger ledger;
    auto [one, other] = Socket::pair(SOCK_DGRAM);
    DatagramBatch batch{64, 10};
    const auto datagrams = addressed(std::vector<std::string_view>(64, "x"), {});
    std::size_t sent = 0;
    SentBatch result = batch.send(one, datagrams);
    for (; result.state == IoState::ok; result = batch.send(one, datagrams)) sent += result.count;
    CHECK(result.state == IoState::would_block);
    CHECK_EQ(all_received(other, batch, sent).size(), sent);
}

TEST_CASE("errors and interruptions of a batch are those of one datagram") {
    const DescriptorLedger ledger;
    auto [ours, theirs] = udp_sockets();
    DatagramBatch batch{4, 100};
    {
        const CallHook hook{failing("sendmmsg", EINTR, 2)};
        CHECK_EQ(batch.send(theirs, addressed({"a"}, ours.local())).count, 1);
    }
    await(ours, POLLIN);
    {
        const CallHook hook{failing("recvmmsg", EINTR, 2)};
        CHECK_EQ(batch.receive(ours).datagrams.size(), 1);
    }
    const CallHook hook{failing("recvmmsg", ECONNREFUSED)};
    CHECK(batch.receive(ours).error_code() == std::errc::connection_refused);
    Socket nothing;
    CHECK_EQ(batch.send(nothing, addressed({"a"}, ours.local())).error, EBADF);
}

TEST_CASE("a large buffer is cut by the kernel, or by us, into the same datagrams") {
    const DescriptorLedger ledger;
    const std::string all = bytes_like_no_other(20'050);
    int refusal = 0;
    SUBCASE("by the kernel, where it can") {}
    SUBCASE("by us: no such option") { refusal = ENOPROTOOPT; }
    SUBCASE("by us: refused for this route") { refusal = EINVAL; }
    SUBCASE("by us: a device without checksums") { refusal = EIO; }
    const std::string_view at = refusal == ENOPROTOOPT ? "getsockopt" : "sendmsg";
    auto [ours, theirs] = udp_sockets();
    DatagramBatch batch{16, 1000};
    const Address to = ours.local();
    IoResult result;
    {
        const CallHook hook{failing(at, refusal, refusal == 0 ? 0 : ~std::uint64_t{0})};
        result = batch.send_segments(theirs, bytes_of(all), 500, to);
    }
    CHECK(is(result, IoState::ok, all.size()));
    std::string joined;
    const std::vector<std::string> texts = all_received(ours, batch, 41);
    for (const std::string& text : texts) joined += text;
    CHECK(joined == all);
    CHECK_EQ(texts.front().size(), 500);
    CHECK_EQ(texts.back().size(), 50);
}

TEST_CASE("cutting: nothing to send, no size, a size too large, a queue that is full") {
    const DescriptorLedger ledger;
    auto [ours, theirs] = udp_sockets();
    DatagramBatch batch{16, 1000};
    const Address to = ours.local();
    CHECK(is(batch.send_segments(theirs, {}, 500, to), IoState::ok));
    CHECK(is(batch.send_segments(theirs, bytes_of("x"), 0, to), IoState::error, 0, EINVAL));
    const std::string long_text(66'000, 'x');
    CHECK(is(batch.send_segments(theirs, bytes_of(long_text), 65'508, to), IoState::error, 0,
             EMSGSIZE));
    std::uint64_t allowed = 1;
    const CallHook hook{[&](const CallPoint& call) -> CallOutcome {
        const bool sends = call.name == "sendmsg" || call.name == "sendmmsg";
        return error_outcome(sends && call.nth > allowed ? EAGAIN : 0);
    }};
    const IoResult part = batch.send_segments(theirs, bytes_of(long_text), 100, to);
    CHECK(part.state == IoState::ok);
    CHECK_EQ(part.bytes % 100, 0);
    CHECK_LT(part.bytes, long_text.size());
    allowed = 0;
    CHECK(is(batch.send_segments(theirs, bytes_of(long_text), 100, to), IoState::would_block));
}

TEST_CASE("what the kernel joins says where to cut, where it can") {
    const DescriptorLedger ledger;
    auto [ours, theirs] = udp_sockets();
    ours.set(option::udp_join, true);
    DatagramBatch batch{16, 1000};
    const std::string all = bytes_like_no_other(2'000);
    CHECK(is(batch.send_segments(theirs, bytes_of(all), 500, ours.local()), IoState::ok, 2'000));
    std::string joined;
    while (joined.size() < all.size()) {
        await(ours, POLLIN);
        std::string buffer(65536, '\0');
        const IncomingMessage message =
            ours.receive_message(std::as_writable_bytes(std::span{buffer}));
        REQUIRE(message.state == IoState::ok);
        if (message.bytes > 500) CHECK_EQ(message.segment_size.value_or(0), 500);
        joined += buffer.substr(0, message.bytes);
    }
    CHECK(joined == all);
}

TEST_CASE("a batch without room, or of more bytes than there are, is refused") {
    CHECK_THROWS_AS((DatagramBatch{0, 100}), std::invalid_argument);
    constexpr std::size_t half = std::numeric_limits<std::size_t>::max() / 2;
    CHECK_THROWS_AS((DatagramBatch{2, half + 1}), std::length_error);
}
