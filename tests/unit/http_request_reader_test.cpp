// M5: what a client sends is read in one way, however it is cut; what could be read in two ways is
// refused (contract: bug-F11).

#include "http/request_reader.hpp"

#include <doctest/doctest.h>
#include <initializer_list>
#include <string>
#include <vector>

using namespace std::literals;
using demos::http::Request;
using demos::http::RequestReader;
using What = RequestReader::Step::What;

namespace {

// Reads as a connection does: what was not taken comes again with more. `told` is what was read.
class Reading {
public:
    explicit Reading(const RequestReader::Limits& limits) : reader_{limits} {}

    void feed(std::string_view bytes) {
        kept_ += bytes;
        // Elsewhere in memory each time, and not one byte behind it: who looks there is caught.
        const std::vector<char> offered{kept_.begin(), kept_.end()};
        std::size_t taken = 0;
        while (!refused_) {
            const std::string_view rest{offered.data() + taken, offered.size() - taken};
            const RequestReader::Step step = reader_.next(pollux::bytes_of(rest));
            taken += step.taken;
            if (step.what == What::partial) break;
            tell(step);
        }
        kept_.erase(0, taken);
    }

    std::string told() const { return told_ + (refused_ || kept_.empty() ? "" : " …"); }

private:
    void tell(const RequestReader::Step& step) {
        const Request& request = reader_.request();
        switch (step.what) {
        case What::head:
            told_ += "["s + std::string{to_string(request.method)} + " " +
                     std::string{request.path} + " ?" + std::string{request.query} + " " +
                     std::string{request.host} + (request.keep_alive ? " keep" : " close") +
                     (request.expects_continue ? " expects" : "") + "]";
            break;
        case What::body:
            told_ += step.body;
            break;
        case What::done:
            told_ += "[done " + std::string{request.path} + "]";
            break;
        case What::refused:
            told_ += "[" + std::to_string(step.status) + " " + std::string{step.reason} + "]";
            refused_ = true;
            break;
        case What::partial:
            break;
        }
    }

    RequestReader reader_;
    std::string kept_;
    std::string told_;
    bool refused_ = false;
};

const RequestReader::Limits usual{};

std::string read(std::string_view bytes, const RequestReader::Limits& limits = usual) {
    Reading reading{limits};
    reading.feed(bytes);
    return reading.told();
}

// The same when it comes in two pieces, wherever it is cut, and byte by byte.
std::string read_however_cut(std::string_view bytes) {
    std::string whole = read(bytes);
    for (std::size_t cut = 1; cut < bytes.size(); ++cut) {
        Reading reading{usual};
        reading.feed(bytes.substr(0, cut));
        reading.feed(bytes.substr(cut));
        CHECK_MESSAGE(reading.told() == whole, "cut at " << cut << ": " << bytes);
    }
    Reading reading{usual};
    for (const char byte : bytes) reading.feed({&byte, 1});
    CHECK_MESSAGE(reading.told() == whole, "byte by byte: " << bytes);
    return whole;
}

std::string post(std::string_view fields, std::string_view body = {}) {
    return "POST / HTTP/1.1\r\nHost: x\r\n" + std::string{fields} + "\r\n\r\n" + std::string{body};
}

std::string chunked(std::string_view body) { return post("Transfer-Encoding: chunked", body); }

bool is_refused(std::string_view bytes, int status = 400) {
    const std::string told = read_however_cut(bytes);
    const std::string mark = "[" + std::to_string(status) + " ";
    const bool refused = told.find(mark) != std::string::npos;
    if (!refused) MESSAGE(told << " for " << bytes);
    return refused;
}

} // namespace

TEST_CASE("M5 requests are read the same however they are cut") {
    CHECK(read_however_cut("GET /a?b=c HTTP/1.1\r\nHost: h:80\r\nX: y\r\n\r\n") ==
          "[GET /a ?b=c h:80 keep]");
    CHECK(read_however_cut("HEAD / HTTP/1.0\r\n\r\n") == "[HEAD / ?  close]");
    CHECK(read_however_cut("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n") ==
          "[GET / ?  keep]");
    CHECK(read_however_cut("GET / HTTP/1.1\r\nhost:x\r\nconnection: Close\r\n\r\n") ==
          "[GET / ? x close]");
    CHECK(read_however_cut("OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n") == "[OPTIONS * ? x keep]");
    CHECK(read_however_cut("GET http://other/p?q HTTP/1.1\r\nHost: x\r\n\r\n") ==
          "[GET /p ?q x keep]");
    CHECK(read_however_cut("BREW / HTTP/1.1\r\nHost: x\r\n\r\n") == "[other / ? x keep]");
    CHECK(read_however_cut("\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n") == "[GET / ? x keep]");
    CHECK(read_however_cut(post("Content-Length: 5\r\nExpect: 100-Continue", "hello")) ==
          "[POST / ? x keep expects]hello[done /]");
    CHECK(read_however_cut(post("Content-Length: 0")) == "[POST / ? x keep]");
}

TEST_CASE("M5 chunks are read the same however they are cut") {
    CHECK(read_however_cut(chunked("5\r\nhello\r\n0\r\n\r\n")) == "[POST / ? x keep]hello[done /]");
    CHECK(read_however_cut(
              chunked("00a;x=\"y\"\r\n0123456789\r\n1\r\n!\r\n000\r\nTrailer: t\r\n\r\n")) ==
          "[POST / ? x keep]0123456789![done /]");
    CHECK(read_however_cut(chunked("0\r\n\r\n")) == "[POST / ? x keep][done /]");
    CHECK(read_however_cut(post("Transfer-Encoding: Chunked", "1\r\n\r\r\n0\r\n\r\n")) ==
          "[POST / ? x keep]\r[done /]");
}

TEST_CASE("M5 pipelined requests follow each other") {
    const std::string get = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
    CHECK(read_however_cut(post("Content-Length: 3", "abc") + get +
                           chunked("2\r\nde\r\n0\r\n\r\n") + get) ==
          "[POST / ? x keep]abc[done /][GET / ? x keep]"
          "[POST / ? x keep]de[done /][GET / ? x keep]");
}

TEST_CASE("bug-F11 a body framed in two ways, or in an unknown one") {
    CHECK(is_refused(post("Content-Length: 5\r\nTransfer-Encoding: chunked", "0\r\n\r\n")));
    CHECK(is_refused(post("Transfer-Encoding: chunked\r\nContent-Length: 5", "0\r\n\r\n")));
    CHECK(is_refused(post("Content-Length: 5\r\nContent-Length: 6", "hello")));
    CHECK(is_refused(post("Content-Length: 5\r\nContent-Length: 5", "hello")));
    for (const char* const value :
         {"+5", "-5", "5 5", "5,5", "5, 5", "0x5", "5a", "", "5.0", "\"5\"", "1e1", "--5",
          "18446744073709551616", "18446744073709551621", "99999999999999999999999999"})
        CHECK(is_refused(post("Content-Length: "s + value, "hello")));
    for (const char* const value : {"identity", "identity, chunked", "chunked, identity", "gzip",
                                    "gzip, chunked", "chunked, chunked", "chunked;q=1", "xchunked",
                                    "", "\"chunked\"", "chunked,", ",chunked", "chu nked"})
        CHECK(is_refused(post("Transfer-Encoding: "s + value, "0\r\n\r\n")));
    CHECK(is_refused(post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked")));
    CHECK(is_refused(post("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity")));
    CHECK(is_refused(post("Transfer-Encoding: identity\r\nTransfer-Encoding: chunked")));
    CHECK(is_refused("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"));
}

TEST_CASE("bug-F11 fields that servers read differently") {
    for (const std::string& field :
         {"Content-Length : 5"s, " Content-Length: 5"s, "Transfer-Encoding : chunked"s,
          "X: a\r\n folded"s, "X: a\r\n\tfolded"s, "X: a\nTransfer-Encoding: chunked"s, "X: a\rb"s,
          "X: a\0b"s, "X\0: a"s, "X: a\x01"s, "X: a\x7f"s, "no colon"s, ": no name"s, "X(: a"s,
          "Transfer\x0b-Encoding: chunked"s, "X: a\r\r\n"s, "\xc3\xa4: b"s})
        CHECK(is_refused(post(field)));
}

TEST_CASE("bug-F11 request lines that servers read differently") {
    for (const std::string& line : {"GET /"s,
                                    "GET  / HTTP/1.1"s,
                                    "GET /  HTTP/1.1"s,
                                    " GET / HTTP/1.1"s,
                                    "GET\t/ HTTP/1.1"s,
                                    "GET / HTTP/1.1 "s,
                                    "GET / http/1.1"s,
                                    "GET / HTTP/1"s,
                                    "GET / HTTP/11.1"s,
                                    "GET / HTTP/1.01"s,
                                    "GET / HTTP/1.99999999999"s,
                                    "GET / HTTP/+1.1"s,
                                    "GET x HTTP/1.1"s,
                                    "GET * HTTP/1.1"s,
                                    "GET /\x01 HTTP/1.1"s,
                                    "GET /\0 HTTP/1.1"s,
                                    "GET /\x7f HTTP/1.1"s,
                                    "GET /a b HTTP/1.1"s,
                                    "GET /\xc3\xa4 HTTP/1.1"s,
                                    "GET /#f HTTP/1.1"s,
                                    "G@T / HTTP/1.1"s,
                                    "GET http:// HTTP/1.1"s,
                                    "GET http://a@b/ HTTP/1.1"s,
                                    "GET https://b/ HTTP/1.1"s,
                                    "\r\n\r\nGET / HTTP/1.1"s,
                                    "\nGET / HTTP/1.1"s,
                                    "/ HTTP/1.1"s,
                                    "GET HTTP/1.1"s})
        CHECK(is_refused(line + "\r\nHost: x\r\n\r\n"));
    CHECK(is_refused("GET / HTTP/1.1\nHost: x\n\n"));
    CHECK(is_refused("GET / HTTP/1.1\rHost: x\r\r"));
    CHECK(is_refused("\x16\x03\x01\x02"));
    CHECK(is_refused("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505));
    CHECK(is_refused("GET / HTTP/0.9\r\nHost: x\r\n\r\n", 505));
}

TEST_CASE("bug-F11 the host is named once") {
    CHECK(is_refused("GET / HTTP/1.1\r\n\r\n"));
    CHECK(is_refused("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"));
    CHECK(is_refused("GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n"));
    for (const char* const host : {"a b", "a/b", "a@b", "a,b", "a\tb", "a\\b", "<a>"})
        CHECK(is_refused("GET / HTTP/1.1\r\nHost: "s + host + "\r\n\r\n"));
}

TEST_CASE("bug-F11 chunks with signs, spaces and sizes that do not fit") {
    for (const std::string& body : {"-1\r\n"s,
                                    "+1\r\na\r\n0\r\n\r\n"s,
                                    " 1\r\na\r\n"s,
                                    "0x1\r\na\r\n"s,
                                    "\r\n"s,
                                    ";x\r\n"s,
                                    "1 \na\r\n"s,
                                    "1\na\n0\n\n"s,
                                    "1\ra\r\n"s,
                                    "1;a\nb\r\na\r\n"s,
                                    "1;a\x01\r\na\r\n"s,
                                    "10000000000000000\r\n"s,
                                    "00000000000000001\r\na\r\n"s,
                                    "1\r\nab\r\n"s,
                                    "1\r\na\n0\r\n\r\n"s,
                                    "1\r\na0\r\n\r\n"s,
                                    "g\r\n"s,
                                    "1;"s + std::string(300, 'x'),
                                    "0\r\nContent-Length: 5\r\n\r\n"s,
                                    "0\r\n bad: fold\r\n\r\n"s,
                                    "0\r\nX: a\nb\r\n\r\n"s,
                                    "0\r\nTransfer-Encoding: chunked\r\n\r\n"s,
                                    "0\r\nbad\r\n\r\n"s})
        CHECK(is_refused(chunked(body)));
    CHECK(is_refused(chunked("ffffffffffffffff\r\n"), 413));
    CHECK(is_refused(chunked("7fffffffffffffff\r\n"), 413));
    CHECK(is_refused(chunked("0\r\nX: " + std::string(4100, 'x') + "\r\n\r\n"), 431));
}

TEST_CASE("an expectation that is not known") {
    CHECK(is_refused(post("Expect: miracles\r\nContent-Length: 1"), 417));
    CHECK(read("POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\na") ==
          "[POST / ?  close]a[done /]");
}

TEST_CASE("M5 limits of the head: what fits is taken, one byte more is not") {
    const std::string start = "GET / HTTP/1.1\r\nHost: x\r\nX: ";
    for (const std::size_t size : {std::size_t{8192}, usual.head.head}) {
        const std::string head = start + std::string(size - start.size() - 4, 'a') + "\r\n\r\n";
        REQUIRE(head.size() == size);
        CHECK(read(head) == "[GET / ? x keep]");
    }
    const std::string more =
        start + std::string(usual.head.head + 1 - start.size() - 4, 'a') + "\r\n\r\n";
    CHECK(read(more) == "[431 large-head]");
    CHECK(read(std::string_view{more}.substr(0, usual.head.head)) == " …");

    const std::string rest = " HTTP/1.1";
    const std::string path = "/" + std::string(usual.head.line - rest.size() - 5, 'p');
    CHECK(read("GET " + path + rest + "\r\nHost: x\r\n\r\n") == "[GET " + path + " ? x keep]");
    CHECK(read("GET " + path + "p" + rest) == "[414 long-request-line]");

    std::string fields = "GET / HTTP/1.1\r\nHost: x\r\n";
    for (std::size_t i = 1; i < usual.fields; ++i) fields += "X: y\r\n";
    CHECK(read(fields + "\r\n") == "[GET / ? x keep]");
    CHECK(read(fields + "X: y\r\n\r\n") == "[431 many-fields]");
}

TEST_CASE("M5 limits of the body") {
    RequestReader::Limits limits;
    limits.body = 4;
    CHECK(read(post("Content-Length: 4", "abcd"), limits) == "[POST / ? x keep]abcd[done /]");
    CHECK(read(post("Content-Length: 5"), limits) == "[413 large-body]");
    CHECK(read(chunked("3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n"), limits) ==
          "[POST / ? x keep]abcd[done /]");
    CHECK(read(chunked("3\r\nabc\r\n2\r\n"), limits) == "[POST / ? x keep]abc[413 large-body]");
}
