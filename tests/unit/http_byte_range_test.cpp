#include "http/byte_range.hpp"

#include <doctest/doctest.h>
#include <string>

using demos::http::ByteRange;
using demos::http::parse_range;

namespace {

// "first+count" of a part, or a word.
std::string range(std::string_view field, std::uint64_t size) {
    const ByteRange range = parse_range(field, size);
    switch (range.kind) {
    case ByteRange::Kind::whole:
        return "whole";
    case ByteRange::Kind::unsatisfiable:
        return "none";
    case ByteRange::Kind::part:
        return std::to_string(range.first) + "+" + std::to_string(range.count);
    }
    return "?";
}

} // namespace

TEST_CASE("one range of bytes is a part") {
    CHECK(range("bytes=0-0", 10) == "0+1");
    CHECK(range("bytes=2-5", 10) == "2+4");
    CHECK(range("bytes=2-", 10) == "2+8");
    CHECK(range("bytes=-3", 10) == "7+3");
    CHECK(range("bytes=9-9", 10) == "9+1");
}

TEST_CASE("a range ends where the file ends") {
    CHECK(range("bytes=2-10", 10) == "2+8");
    CHECK(range("bytes=0-18446744073709551615", 10) == "0+10");
    CHECK(range("bytes=0-99999999999999999999", 10) == "0+10");
    CHECK(range("bytes=-99999999999999999999", 10) == "0+10");
}

TEST_CASE("a range behind the end is refused") {
    CHECK(range("bytes=10-", 10) == "none");
    CHECK(range("bytes=10-20", 10) == "none");
    CHECK(range("bytes=-0", 10) == "none");
    CHECK(range("bytes=0-", 0) == "none");
    CHECK(range("bytes=-1", 0) == "none");
    CHECK(range("bytes=99999999999999999999-", 10) == "none");
}

TEST_CASE("what is no single range of bytes counts as not asked") {
    for (const char* const field :
         {"", "bytes", "bytes=", "bytes=-", "bytes=5-2", "bytes=a-b", "bytes=1-2,4-5", "bytes=+1-2",
          "bytes= 1-2", "bytes=1-2 ", "bytes=--1", "lines=1-2", "bytes=1-2-3", "bytes=0x1-2"})
        CHECK_MESSAGE(range(field, 10) == "whole", field);
}
