// Requests of HTTP: read the same however they are cut, within the limits, and what was understood
// reads the same when it is written in the plainest way: nobody in front of this server can have
// read it differently for its form.

#include "fuzzing.hpp"
#include "http/request_reader.hpp"

#include <algorithm>
#include <optional>

namespace {

using demos::http::Request;
using demos::http::RequestReader;
using pollux_test::must;
using pollux_test::no_more;
using What = RequestReader::Step::What;

const RequestReader::Limits limits{.head = {.line = 200, .head = 600}, .fields = 8, .body = 300};

// One request, and how it was read to its end.
struct Read {
    std::string method, path, query, host, content_type, range, if_range, if_none_match,
        if_modified_since;
    bool is_1_1 = false, keep_alive = false, expects_continue = false, chunked = false;
    std::optional<std::uint64_t> length;
    std::string body{};
    bool done = false;
    bool operator==(const Read&) const = default;
};

Read copied(const Request& request) {
    const auto text = [](std::string_view view) { return std::string{view}; };
    return {.method = text(to_string(request.method)),
            .path = text(request.path),
            .query = text(request.query),
            .host = text(request.host),
            .content_type = text(request.content_type),
            .range = text(request.range),
            .if_range = text(request.if_range),
            .if_none_match = text(request.if_none_match),
            .if_modified_since = text(request.if_modified_since),
            .is_1_1 = request.is_1_1,
            .keep_alive = request.keep_alive,
            .expects_continue = request.expects_continue,
            .chunked = request.chunked,
            .length = request.content_length};
}

struct Story {
    std::vector<Read> requests;
    int status = 0; // of the refusal
    std::string reason;
    std::string left;
    bool operator==(const Story&) const = default;
};

class Reading {
public:
    // Steps until more must come.
    std::size_t take(std::string_view bytes) {
        std::size_t taken = 0;
        while (true) {
            const RequestReader::Step step = reader_.next(pollux::bytes_of(bytes.substr(taken)));
            taken += step.taken;
            must(taken <= bytes.size(), "no more is taken than is there");
            if (step.what == What::partial) break;
            note(step);
            if (step.what == What::refused) return no_more;
        }
        must(bytes.size() - taken <= limits.head.head || reader_.in_body(),
             "a head over the limit is not waited for");
        return taken;
    }
    Story story;

private:
    void note(const RequestReader::Step& step) {
        if (step.what == What::refused) {
            must(step.status >= 400 && step.status <= 599, "a refusal is an error");
            must(pollux_test::is_one_plain_line(step.reason), "and says why");
            story.status = step.status;
            story.reason = step.reason;
            return;
        }
        if (step.what == What::head) {
            story.requests.push_back(copied(reader_.request()));
            story.requests.back().done = !reader_.request().has_body();
            return;
        }
        Read& request = story.requests.back();
        must(!request.done, "a body comes between its head and its end");
        must(copied(reader_.request()).path == request.path, "the head stays while the body comes");
        if (step.what == What::body) {
            must(!step.body.empty(), "a piece of a body is never empty");
            request.body += step.body;
        } else {
            request.done = true;
        }
        must(request.body.size() <= limits.body, "no body over the limit");
    }

    RequestReader reader_{limits};
};

Story read(const pollux_test::Pieces& pieces) {
    Reading reading;
    std::string left =
        pollux_test::offer(pieces, [&](std::string_view bytes) { return reading.take(bytes); });
    if (reading.story.status == 0) reading.story.left = std::move(left);
    return reading.story;
}

void check(const Read& request) {
    must(request.path.starts_with('/') || request.path == "*" || request.method == "other",
         "a path begins at the top", request.path);
    for (const std::string* text :
         {&request.path, &request.query, &request.host, &request.content_type, &request.range})
        must(text->find_first_of(std::string_view{"\r\n\0", 3}) == text->npos,
             "no end of a line in a field");
    must(request.path.find_first_of(" ?#") == std::string::npos, "a path is a path", request.path);
    must(!(request.chunked && request.length), "one framing");
    must(!request.chunked || request.is_1_1, "chunks came with HTTP/1.1");
    if (request.done && request.length) must(request.body.size() == *request.length, "its length");
}

// As the plainest client would have written it.
std::string written(const Read& request) {
    std::string text = request.method + ' ' + request.path;
    if (!request.query.empty()) text += '?' + request.query;
    text += request.is_1_1 ? " HTTP/1.1\r\n" : " HTTP/1.0\r\n";
    const auto field = [&](std::string_view name, std::string_view value) {
        if (!value.empty()) text.append(name).append(": ").append(value).append("\r\n");
    };
    if (request.host.empty() && request.is_1_1) text += "Host:\r\n";
    field("Host", request.host);
    field("Content-Type", request.content_type);
    field("Range", request.range);
    field("If-Range", request.if_range);
    field("If-None-Match", request.if_none_match);
    field("If-Modified-Since", request.if_modified_since);
    field("Connection", request.keep_alive == request.is_1_1 ? ""
                        : request.keep_alive                 ? "keep-alive"
                                                             : "close");
    field("Expect", request.expects_continue ? "100-continue" : "");
    if (request.length) field("Content-Length", std::to_string(*request.length));
    if (!request.chunked) return text + "\r\n" + request.body;
    text += "Transfer-Encoding: chunked\r\n\r\n";
    if (!request.body.empty()) {
        constexpr std::string_view digits = "0123456789abcdef";
        const std::size_t size = request.body.size();
        text.append({digits[size >> 8U], digits[size >> 4U & 15U], digits[size & 15U]});
        text += "\r\n" + request.body + "\r\n";
    }
    return text + "0\r\n\r\n";
}

void check_round_trip(const Read& request) {
    if (!request.done || request.method == "other") return;
    const std::string text = written(request);
    if (text.find("\r\n\r\n") + 4 > limits.head.head) return; // the plain form is the longer one
    const Story again = read({text});
    if (again.status == 431 || again.status == 414) return;
    must(again.requests.size() == 1 && again.requests[0] == request && again.left.empty(),
         "what was understood reads the same in its plainest form", text);
}

void fuzz(std::string_view input) {
    std::optional<Story> first;
    for (const auto& pieces : pollux_test::ways_to_cut(input)) {
        Story story = read(pieces);
        if (!first)
            first = std::move(story);
        else
            must(story == *first, "it is read the same however it is cut");
    }
    for (const Read& request : first->requests) {
        check(request);
        check_round_trip(request);
    }
}

const pollux_test::FuzzTarget target{"http_request", fuzz};

} // namespace
