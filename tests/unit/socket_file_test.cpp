// A stream read and written like a file.

#include <doctest/doctest.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <optional>
#include <pollux/instruments/call_hook.hpp>
#include <pollux/net/socket_file.hpp>
#include <string>
#include <string_view>
#include <utility>

#include "support/descriptor_ledger.hpp"
#include "support/library_sockets.hpp"
#include "support/observing.hpp"

using namespace pollux;
using namespace pollux_test;
using namespace std::chrono_literals;

namespace {

// A file on one end of a stream, and the other end.
struct Scene {
    Scene() : Scene{Socket::pair()} {}
    explicit Scene(std::pair<Socket, Socket> pair)
        : ours{std::move(pair.first), 10s}, theirs{std::move(pair.second), 10s} {}

    void put(std::string_view text) { theirs.send_all(bytes_of(text)); }
    void end() { theirs.close(); }

    BlockingSocket ours;
    BlockingSocket theirs;
    SocketFile file{ours};
};

} // namespace

TEST_CASE("lines keep their newlines; what follows the last one is a line too") {
    const DescriptorLedger ledger;
    Scene scene;
    scene.put("one\n\ntwo \r\nlast");
    scene.end();
    CHECK_EQ(scene.file.read_line().value(), "one\n");
    CHECK_EQ(scene.file.read_line().value(), "\n");
    CHECK_EQ(scene.file.read_line().value(), "two \r\n");
    CHECK_EQ(scene.file.read_line().value(), "last");
    CHECK_FALSE(scene.file.read_line().has_value());
    CHECK_FALSE(scene.file.read_line().has_value());
}

TEST_CASE("lines come out the same however the stream is cut") {
    const DescriptorLedger ledger;
    std::string all;
    for (std::size_t line = 0; line < 3000; ++line) all += std::string(line % 90, 'x') + "\n";
    for (const std::size_t piece : {1U, 7U, 8192U}) {
        Scene scene;
        const CallHook hook{[&](const CallPoint& call) -> CallOutcome {
            return call.name == "recv" ? at_most(piece) : CallOutcome{};
        }};
        scene.put(all);
        scene.end();
        std::string joined;
        int lines = 0;
        while (const auto line = scene.file.read_line()) {
            REQUIRE(line->ends_with('\n'));
            joined += *line;
            ++lines;
        }
        CHECK_EQ(lines, 3000);
        CHECK(joined == all);
    }
}

TEST_CASE("a line longer than the limit comes in pieces") {
    const DescriptorLedger ledger;
    Scene scene;
    scene.put("0123456789\nab\n");
    CHECK_EQ(scene.file.read_line(4).value(), "0123");
    CHECK_EQ(scene.file.read_line(6).value(), "456789");
    CHECK_EQ(scene.file.read_line(6).value(), "\n");
    CHECK_EQ(scene.file.read_line(3).value(), "ab\n");
}

TEST_CASE("reading by count gives so many bytes, fewer only at the end") {
    const DescriptorLedger ledger;
    Scene scene;
    scene.put("head\nbody and more");
    scene.end();
    CHECK_EQ(scene.file.read_line().value(), "head\n");
    CHECK_EQ(scene.file.read(0), "");
    CHECK_EQ(scene.file.read(4), "body");
    CHECK_EQ(scene.file.read(100), " and more");
    CHECK_EQ(scene.file.read(100), "");
}

TEST_CASE("reading all has a limit, and what is over it is not lost") {
    const DescriptorLedger ledger;
    Scene scene;
    const std::string all(20'000, 'a');
    scene.put(all);
    scene.end();
    CHECK(failure([&] { scene.file.read_all(19'999); }).ends_with(": Message too long"));
    CHECK(scene.file.read_all(20'000) == all);
    CHECK_EQ(scene.file.read_all(), "");
}

TEST_CASE("after a time-out the same call goes on, and nothing is lost") {
    const DescriptorLedger ledger;
    Scene scene;
    scene.put("begun ");
    {
        const FakeClock clock;
        CHECK_EQ(error_of([&] { static_cast<void>(scene.file.read_line()); }), ETIMEDOUT);
        CHECK_EQ(error_of([&] { static_cast<void>(scene.file.read(10)); }), ETIMEDOUT);
        CHECK_EQ(error_of([&] { static_cast<void>(scene.file.read_all()); }), ETIMEDOUT);
    }
    scene.put("and done\n");
    CHECK_EQ(scene.file.read_line().value(), "begun and done\n");
}

TEST_CASE("what is written waits for a flush, or for much more") {
    const DescriptorLedger ledger;
    Scene scene;
    const CallRecord calls;
    scene.file.write("hello ");
    scene.file.write(bytes_of("world"));
    CHECK_EQ(calls.made(), "");
    scene.file.flush();
    CHECK_EQ(calls.made().substr(0, 13), "clock_gettime");
    std::array<std::byte, 11> buffer{};
    CHECK_EQ(scene.theirs.receive_exactly(buffer), 11);
    CHECK_EQ(text_of(buffer), "hello world");
    scene.file.write(std::string(10'000, 'x'));
    std::string text(10'000, '\0');
    CHECK_EQ(scene.theirs.receive_exactly(std::as_writable_bytes(std::span{text})), 10'000);
    scene.file.flush(); // nothing is left
}

TEST_CASE("a flush that failed goes on where it stopped") {
    const DescriptorLedger ledger;
    Scene scene;
    {
        const CallHook hook{[](const CallPoint& call) -> CallOutcome {
            if (call.name != "send") return {};
            return call.nth == 1 ? at_most(4) : error_outcome(ENOBUFS);
        }};
        scene.file.write("0123456789");
        CHECK_EQ(error_of([&] { scene.file.flush(); }), ENOBUFS);
    }
    scene.file.flush();
    std::array<std::byte, 10> buffer{};
    CHECK_EQ(scene.theirs.receive_exactly(buffer), 10);
    CHECK_EQ(text_of(buffer), "0123456789");
}
