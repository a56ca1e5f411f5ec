#include <doctest/doctest.h>
#include <limits>
#include <pollux/stream/framing.hpp>
#include <stdexcept>
#include <string>
#include <vector>

using namespace pollux;
using State = Frame::State;

namespace {

std::string framed(std::uint32_t length, std::string_view message = {}) {
    std::string bytes(LengthFraming::head, '\0');
    LengthFraming::put_length(static_cast<std::int32_t>(length),
                              std::as_writable_bytes(std::span{bytes}).first<4>());
    return bytes.append(message);
}

// Offers `bytes` as a connection does, in reads of `size`, with what was left in front.
template <class Framing>
std::vector<std::string> cut(const Framing& framing, std::string_view bytes, std::size_t size) {
    std::vector<std::string> messages;
    std::string kept;
    for (std::size_t at = 0; at < bytes.size(); at += size) {
        kept += bytes.substr(at, size);
        const Taken taken = take_messages(framing, bytes_of(kept), [&](ByteView message) {
            messages.emplace_back(text_of(message));
            return true;
        });
        REQUIRE_FALSE(taken.refused);
        kept.erase(0, taken.taken);
    }
    CHECK(kept.empty());
    return messages;
}

} // namespace

TEST_CASE("S1 M1 however a stream is cut, the messages are the same") {
    const std::string frames =
        framed(0) + framed(5, "hello") + framed(3, std::string_view{"\n\0x", 3}) + framed(1, "y");
    const std::vector<std::string> messages{"", "hello", std::string{"\n\0x", 3}, "y"};
    const std::string lines = "one\n\ntwo\r\nthree\n";
    for (std::size_t size = 1; size <= frames.size(); ++size) {
        CHECK(cut(LengthFraming{5}, frames, size) == messages);
        CHECK(cut(LineFraming{5}, lines, size) ==
              std::vector<std::string>{"one", "", "two\r", "three"});
        CHECK(cut(FixedFraming{4}, "abcdefgh", size) == std::vector<std::string>{"abcd", "efgh"});
    }
}

TEST_CASE("M1 a length is refused as soon as it is there: over the limit, or below zero") {
    const LengthFraming framing{100};
    for (const std::uint32_t length : {101U, 0x7FFFFFFFU, 0x80000000U, 0xFFFFFFFFU})
        CHECK(framing.first(bytes_of(framed(length))).state == State::refused);
    const LengthFraming without_limit{std::numeric_limits<std::size_t>::max()};
    CHECK(without_limit.first(bytes_of(framed(0xFFFFFFFF))).state == State::refused);
    CHECK(framing.first(bytes_of(framed(100))).state == State::partial);
    CHECK(framing.first(bytes_of(framed(100, std::string(100, 'x')))).state == State::complete);
    CHECK(framing.first(bytes_of(framed(0xFFFFFFFF).substr(0, 3))).state == State::partial);
}

TEST_CASE("the length is little-endian and signed") {
    CHECK(framed(0x01020304) == "\x04\x03\x02\x01");
    CHECK(LengthFraming::length(bytes_of("\xFE\xFF\xFF\xFF")) == -2);
}

TEST_CASE("a line of the limit is taken, a longer one refused before its end comes") {
    const LineFraming framing{5};
    CHECK(framing.first(bytes_of("12345\n")).state == State::complete);
    CHECK(framing.first(bytes_of("12345")).state == State::partial);
    CHECK(framing.first(bytes_of("123456")).state == State::refused);
    CHECK(framing.first(bytes_of("123456\n")).state == State::refused);
    CHECK(framing.first({}).state == State::partial);
}

TEST_CASE("a limit as large as there can be is no limit") {
    const LineFraming framing{std::numeric_limits<std::size_t>::max()};
    CHECK(framing.first(bytes_of("line\n")).state == State::complete);
    CHECK(framing.first(bytes_of("line")).state == State::partial);
}

TEST_CASE("messages of no size are refused: there would be no end of them") {
    CHECK_THROWS_AS(FixedFraming{0}, std::invalid_argument);
}

TEST_CASE("whoever takes messages may stop in between") {
    int calls = 0;
    const Taken taken = take_messages(LineFraming{9}, bytes_of("a\nb\nc\n"), [&](ByteView message) {
        ++calls;
        return text_of(message) != "b";
    });
    CHECK(calls == 2);
    CHECK(taken.taken == 4);
    CHECK_FALSE(taken.refused);
}
