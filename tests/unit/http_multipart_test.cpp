#include "http/multipart.hpp"

#include <doctest/doctest.h>
#include <string>

using demos::http::boundary_of;
using demos::http::parse_multipart;

namespace {

const std::string two_parts =
    "--X\r\n"
    "Content-Disposition: form-data; name=\"remark\"\r\n\r\n"
    "hallo\r\n--X\r\n"
    "Content-Disposition: form-data; name=\"file\"; filename=\"a;b.txt\"\r\n"
    "Content-Type: text/plain\r\n\r\n"
    "line\r\n--\r\n-X\r\n--X--\r\n";

} // namespace

TEST_CASE("the parts of a form, byte for byte") {
    const auto parts = parse_multipart(two_parts, "X");
    REQUIRE(parts.has_value());
    REQUIRE(parts->size() == 2);
    CHECK((*parts)[0].name == "remark");
    CHECK_FALSE((*parts)[0].file_name.has_value());
    CHECK((*parts)[0].content == "hallo");
    CHECK((*parts)[1].name == "file");
    CHECK((*parts)[1].file_name == "a;b.txt");
    CHECK((*parts)[1].type == "text/plain");
    CHECK((*parts)[1].content == "line\r\n--\r\n-X");
}

TEST_CASE("an empty part, and a form without parts") {
    const auto parts =
        parse_multipart("--X\r\nContent-Disposition: form-data; name=a\r\n\r\n\r\n--X--", "X");
    REQUIRE(parts.has_value());
    CHECK(parts->at(0).name == "a");
    CHECK(parts->at(0).content.empty());
    CHECK(parse_multipart("--X--", "X")->empty());
}

TEST_CASE("wherever a form is cut off it is refused") {
    const std::size_t whole = two_parts.size() - 2; // the last line end is nobody's
    for (std::size_t size = 0; size < whole; ++size)
        CHECK_FALSE(parse_multipart(std::string_view{two_parts}.substr(0, size), "X").has_value());
}

TEST_CASE("malformed parts are refused") {
    for (const char* const body :
         {"--X\r\n\r\ntext\r\n--X--", "--X\r\nno colon\r\n\r\n\r\n--X--", "--Y--", "x--X--",
          "--X\r\nContent-Disposition: attachment; name=a\r\n\r\n\r\n--X--", "--Xx--"})
        CHECK_FALSE_MESSAGE(parse_multipart(body, "X").has_value(), body);
    CHECK_FALSE(parse_multipart("----", "").has_value());
    CHECK_FALSE(parse_multipart(two_parts, "X", 1).has_value());
}

TEST_CASE("the boundary of a content type") {
    CHECK(boundary_of("multipart/form-data; boundary=abc") == "abc");
    CHECK(boundary_of("Multipart/Form-Data; charset=utf-8; BOUNDARY=\"a b\"") == "a b");
    CHECK(boundary_of("multipart/form-data").empty());
    CHECK(boundary_of("multipart/mixed; boundary=abc").empty());
    CHECK(boundary_of("multipart/form-data; boundary=\"abc").empty());
    CHECK(boundary_of("multipart/form-data; boundary=" + std::string(71, 'x')).empty());
}
