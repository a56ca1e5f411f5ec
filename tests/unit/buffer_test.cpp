// S15 of the catalogue: the buffer of a connection, against a std::string that does the same.

#include <doctest/doctest.h>

#include <algorithm>
#include <limits>
#include <new>
#include <pollux/stream/buffer.hpp>
#include <random>
#include <stdexcept>
#include <string>
#include <utility>

using namespace pollux;

TEST_CASE("a fresh buffer is empty") {
    const Buffer buffer;
    CHECK(buffer.empty());
    CHECK_EQ(buffer.size(), 0);
    CHECK(buffer.view().empty());
}

TEST_CASE("what is appended is read as one piece and taken from the front") {
    Buffer buffer;
    buffer.append(bytes_of("one "));
    buffer.append(bytes_of(""));
    buffer.append(bytes_of("two"));
    CHECK_EQ(text_of(buffer.view()), "one two");
    buffer.consume(2);
    CHECK_EQ(text_of(buffer.view()), "e two");
    buffer.append(bytes_of("!"));
    CHECK_EQ(text_of(buffer.view()), "e two!");
    buffer.consume(buffer.size());
    CHECK(buffer.empty());
}

TEST_CASE("clear and release empty it, and it can be used again") {
    Buffer buffer;
    for (const bool release : {false, true, false}) {
        buffer.append(bytes_of("text"));
        release ? buffer.release() : buffer.clear();
        CHECK(buffer.empty());
        CHECK_EQ(buffer.size(), 0);
    }
}

TEST_CASE("S15 bug-E6 a length that fits no memory is refused, and the buffer is as it was") {
    Buffer buffer;
    buffer.append(bytes_of("kept"));
    // No such bytes exist; the length is refused before one of them is looked at.
    const std::byte byte{};
    constexpr std::size_t most = std::numeric_limits<std::size_t>::max();
    // Volatile, or the compiler sees what is wrong.
    for (const volatile std::size_t size : {most, most - 1, most - 4, most / 2 + 1, most / 2 - 3})
        CHECK_THROWS_AS(buffer.append(ByteView{&byte, size}), std::length_error);
    CHECK_EQ(text_of(buffer.view()), "kept");
}

TEST_CASE("S15 memory that cannot be had: std::bad_alloc, and the buffer is as it was") {
#ifndef __SANITIZE_ADDRESS__ // which ends the program at the mere wish
    Buffer buffer;
    buffer.append(bytes_of("kept"));
    const std::byte byte{};
    const volatile std::size_t size = std::size_t{1} << 60; // or the compiler sees what is wrong
    CHECK_THROWS_AS(buffer.append(ByteView{&byte, size}), std::bad_alloc);
    CHECK_EQ(text_of(buffer.view()), "kept");
#endif
}

TEST_CASE("a long queue that moves on does not grow without limit") {
    // Appended and consumed at the same pace: the memory is used over and over, so that the view
    // keeps coming back to a few places.
    Buffer buffer;
    buffer.append(bytes_of(std::string(1000, 'x')));
    const std::byte* lowest = buffer.view().data();
    const std::byte* highest = lowest;
    for (int i = 0; i < 10'000; ++i) {
        buffer.append(bytes_of(std::string(100, 'y')));
        buffer.consume(100);
        if (i == 100) lowest = highest = buffer.view().data(); // it has its size by now
        if (i > 100) {
            lowest = std::min(lowest, buffer.view().data());
            highest = std::max(highest, buffer.view().data());
        }
    }
    CHECK_LE(highest - lowest, 8 * 1024);
    CHECK_EQ(buffer.size(), 1000);
}

TEST_CASE("any sequence of appends and consumes does as a string does") {
    for (const unsigned seed : {1U, 2U, 3U, 4U, 5U}) {
        INFO("seed ", seed);
        std::mt19937 random{seed};
        Buffer buffer;
        std::string model;
        for (int step = 0; step < 5'000; ++step) {
            switch (random() % 8) {
            case 0:
                buffer.clear();
                model.clear();
                break;
            case 1:
                if (random() % 10 == 0) {
                    buffer.release();
                    model.clear();
                }
                break;
            case 2:
            case 3:
            case 4: {
                const std::size_t count = model.empty() ? 0 : random() % (model.size() + 1);
                buffer.consume(count);
                model.erase(0, count);
                break;
            }
            default: {
                std::string text(random() % 2'000, '\0');
                for (char& byte : text) byte = static_cast<char>(random());
                buffer.append(bytes_of(text));
                model += text;
            }
            }
            REQUIRE(text_of(buffer.view()) == model);
            REQUIRE_EQ(buffer.empty(), model.empty());
        }
    }
}
