#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <vector>

#include "load/http_answer.hpp"
#include "load/options.hpp"

using load::HttpAnswer;

namespace {

struct Seen {
    std::vector<int> statuses;
    bool closes = false;
    bool ends_with_stream = false;
};

// All answers of a stream that comes in pieces of one size.
Seen read(std::string_view stream, std::size_t piece) {
    Seen seen;
    HttpAnswer answer;
    while (!stream.empty()) {
        std::string_view part = stream.substr(0, piece);
        stream.remove_prefix(part.size());
        while (!part.empty()) {
            part.remove_prefix(answer.take(part));
            if (!answer.complete()) continue;
            seen.statuses.push_back(answer.status());
            seen.closes = answer.closes();
            answer.restart();
        }
    }
    seen.ends_with_stream = answer.ends_with_stream();
    return seen;
}

void check_statuses(std::string_view stream, const std::vector<int>& statuses) {
    for (const std::size_t piece : {std::size_t{1}, std::size_t{2}, std::size_t{7}, stream.size()})
        CHECK(read(stream, piece).statuses == statuses);
}

} // namespace

TEST_CASE("an answer ends where its length says, wherever the stream is cut") {
    check_statuses("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
                   "HTTP/1.1 404 Not Found\r\ncontent-length:0\r\n\r\n"
                   "HTTP/1.1 204\r\n\r\n"
                   "HTTP/1.1 304 Not Modified\r\nContent-Length: 100\r\n\r\n",
                   {200, 404, 204, 304});
}

TEST_CASE("an answer in chunks ends with the trailer") {
    check_statuses("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                   "5\r\nhello\r\nA ;x=y\r\n0123456789\r\n0\r\nContent-Length: 7\r\n\r\n"
                   "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n0\r\n\r\n",
                   {200, 200});
}

TEST_CASE("an answer before the answer is not counted") {
    check_statuses("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
                   "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n.",
                   {200});
}

TEST_CASE("without a length an answer goes on to the end of the stream") {
    const Seen seen = read("HTTP/1.1 200 OK\r\n\r\nto the end\r\n\r\n", 3);
    CHECK(seen.statuses.empty());
    CHECK(seen.ends_with_stream);
}

TEST_CASE("who closes says so, by a field or by the version") {
    const auto closes = [](std::string_view version, std::string_view field) {
        return read("HTTP/" + std::string{version} + " 200 OK\r\n" + std::string{field} +
                        "Content-Length: 0\r\n\r\n",
                    1000)
            .closes;
    };
    CHECK_FALSE(closes("1.1", ""));
    CHECK(closes("1.1", "Connection: close\r\n"));
    CHECK(closes("1.1", "connection: x , Close\r\n"));
    CHECK_FALSE(closes("1.1", "Connection: closed\r\n"));
    CHECK(closes("1.0", ""));
    CHECK_FALSE(closes("1.0", "Connection: Keep-Alive\r\n"));
}

TEST_CASE("what can be understood in two ways is refused") {
    const std::string good = "HTTP/1.1 200 OK\r\n";
    for (const std::string& stream :
         {std::string{"SSH-2.0-OpenSSH\r\n"}, std::string{"HTTP/2 200 OK\r\n"},
          std::string{"HTTP/1.1 20 OK\r\n"}, std::string{"HTTP/1.1 200OK\r\n"},
          std::string{"HTTP/1.1 200 OK\n"}, good + "Content-Length: 5\r\nContent-Length: 6\r\n",
          good + "Content-Length: -1\r\n", good + "Content-Length: 1, 1\r\n",
          good + "Content-Length: 99999999999999999999\r\n", good + "Content-Length:\r\n",
          good + "Content-Length : 5\r\n", good + "nothing\r\n", good + " folded: x\r\n",
          good + "Transfer-Encoding: gzip, chunked\r\n",
          good + "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n",
          good + "Transfer-Encoding: chunked\r\n\r\nxyz\r\n",
          good + "Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n",
          good + "Transfer-Encoding: chunked\r\n\r\n-1\r\n",
          good + "X: " + std::string(70'000, 'x')}) {
        CAPTURE(stream.substr(0, 80));
        CHECK_THROWS_AS(read(stream, 1000), load::Failure);
    }
}
