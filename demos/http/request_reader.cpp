#include "request_reader.hpp"

#include "chunk_scan.hpp"

#include <algorithm>
#include <boost/beast/http/basic_parser.hpp>

namespace demos::http {

namespace beast = boost::beast;
using Step = RequestReader::Step;
using What = Step::What;

namespace {

constexpr int bad_request = 400;
constexpr int content_too_large = 413;
constexpr int uri_too_long = 414;
constexpr int expectation_failed = 417;
constexpr int fields_too_large = 431;
constexpr int version_not_supported = 505;

Step refused(int status, std::string_view reason) {
    return {.what = What::refused, .status = status, .reason = reason};
}

std::string_view text(beast::string_view view) { return {view.data(), view.size()}; }

bool is_word(std::string_view a, std::string_view b) {
    return beast::iequals({a.data(), a.size()}, {b.data(), b.size()});
}

bool is_decimal(char character) { return character >= '0' && character <= '9'; }

Method method_of(beast::http::verb verb) {
    switch (verb) {
    case beast::http::verb::get:
        return Method::get;
    case beast::http::verb::head:
        return Method::head;
    case beast::http::verb::post:
        return Method::post;
    case beast::http::verb::put:
        return Method::put;
    case beast::http::verb::options:
        return Method::options;
    default:
        return Method::other;
    }
}

bool is_host(std::string_view host) {
    return std::all_of(host.begin(), host.end(), [](char character) {
        return static_cast<unsigned char>(character) > ' ' &&
               std::string_view{"/\\@?#,\"<>"}.find(character) == std::string_view::npos;
    });
}

// "HTTP/2.0": well written, and not ours.
bool ends_with_version(std::string_view line) {
    constexpr std::string_view form = " HTTP/d.d";
    if (line.size() < form.size() || std::count(line.begin(), line.end(), ' ') != 2) return false;
    line.remove_prefix(line.size() - form.size());
    return line.starts_with(" HTTP/") && is_decimal(line[6]) && line[7] == '.' &&
           is_decimal(line[8]);
}

} // namespace

// Beast's parser, and what it says about one request.
struct RequestReader::Parser final : beast::http::basic_parser<true> {
    Parser(Request& into, std::size_t most_fields) : request{into}, fields_left{most_fields} {
        // The sizes are checked here, and in the same way however the bytes were cut.
        header_limit(static_cast<std::uint32_t>(-1));
        body_limit(static_cast<std::uint64_t>(-1)); // not none: any length is over that
    }

    // What is left to do; returns how much was taken.
    std::size_t parse(std::string_view bytes) {
        piece = {};
        error = {};
        return put(boost::asio::const_buffer{bytes.data(), bytes.size()}, error);
    }

    Step judge();

    Request& request;
    std::size_t fields_left;
    bool too_many_fields = false;
    std::string_view target;
    int hosts = 0;
    int lengths = 0;
    int encodings = 0;
    std::string_view length;
    std::string_view encoding;
    std::string_view expectation;

    std::string_view piece; // of the body
    std::uint64_t chunk_left = 0;
    std::uint64_t body_size = 0;
    beast::error_code error;

private:
    bool frames_well();
    bool take_target();

    void on_request_impl(beast::http::verb verb, beast::string_view, beast::string_view where,
                         int version, beast::error_code&) override {
        request.method = method_of(verb);
        request.is_1_1 = version == 11;
        target = text(where);
    }
    void on_response_impl(int, beast::string_view, int, beast::error_code&) override {}

    void on_field_impl(beast::http::field name, beast::string_view, beast::string_view value,
                       beast::error_code& failure) override {
        if (fields_left == 0) {
            too_many_fields = true;
            failure = beast::http::error::header_limit;
            return;
        }
        --fields_left;
        if (!is_header_done()) note(name, text(value)); // trailers mean nothing to us
    }

    void note(beast::http::field name, std::string_view value) {
        using beast::http::field;
        switch (name) {
        case field::host:
            ++hosts;
            request.host = value;
            break;
        case field::content_length:
            ++lengths;
            length = value;
            break;
        case field::transfer_encoding:
            ++encodings;
            encoding = value;
            break;
        case field::expect:
            expectation = value;
            break;
        case field::content_type:
            request.content_type = value;
            break;
        case field::range:
            request.range = value;
            break;
        case field::if_range:
            request.if_range = value;
            break;
        case field::if_none_match:
            request.if_none_match = value;
            break;
        case field::if_modified_since:
            request.if_modified_since = value;
            break;
        default:
            break;
        }
    }

    void on_header_impl(beast::error_code&) override {}
    void on_body_init_impl(const boost::optional<std::uint64_t>&, beast::error_code&) override {}
    std::size_t on_body_impl(beast::string_view body, beast::error_code&) override {
        piece = text(body);
        body_size += body.size();
        return body.size();
    }
    void on_chunk_header_impl(std::uint64_t size, beast::string_view, beast::error_code&) override {
        chunk_left = size;
    }
    std::size_t on_chunk_body_impl(std::uint64_t, beast::string_view body,
                                   beast::error_code& failure) override {
        chunk_left -= body.size();
        return on_body_impl(body, failure);
    }
    void on_finish_impl(beast::error_code&) override {}
};

// Which way the body is framed: one way, said once, in digits (RFC 9112, 6).
bool RequestReader::Parser::frames_well() {
    if (encodings > 0) {
        request.chunked = true;
        return encodings == 1 && lengths == 0 && request.is_1_1 && is_word(encoding, "chunked");
    }
    if (lengths == 0) return true;
    if (lengths > 1 || !std::all_of(length.begin(), length.end(), is_decimal)) return false;
    request.content_length = content_length() ? *content_length() : 0;
    return true;
}

// RFC 9112, 3.2: a path, a whole URI as proxies get it, or the "*" of OPTIONS.
bool RequestReader::Parser::take_target() {
    if (request.method == Method::options && target == "*") {
        request.path = target;
        return true;
    }
    constexpr std::string_view scheme = "http://";
    if (target.starts_with(scheme)) {
        target.remove_prefix(scheme.size());
        const std::size_t host = std::min(target.find_first_of("/?"), target.size());
        if (host == 0 || !is_host(target.substr(0, host))) return false;
        target.remove_prefix(host);
        if (target.empty()) target = "/";
    }
    if (!target.starts_with('/') || target.find('#') != std::string_view::npos) return false;
    const std::size_t question = std::min(target.find('?'), target.size());
    request.path = target.substr(0, question);
    request.query = target.substr(std::min(question + 1, target.size()));
    return true;
}

// What the grammar cannot say.
Step RequestReader::Parser::judge() {
    if (!frames_well()) return refused(bad_request, "framing");
    if (hosts > 1 || (hosts == 0 && request.is_1_1) || !is_host(request.host))
        return refused(bad_request, "host");
    // CONNECT names a host; it is not for us, and the answer says so.
    if (!take_target() && request.method != Method::other) return refused(bad_request, "target");
    if (!expectation.empty() && request.is_1_1) {
        if (!is_word(expectation, "100-continue"))
            return refused(expectation_failed, "expectation");
        request.expects_continue = true;
    }
    request.keep_alive = keep_alive();
    return {.what = What::head};
}

RequestReader::RequestReader(const Limits& limits) : limits_{limits}, scan_{limits.head} {}
RequestReader::~RequestReader() = default;

Step RequestReader::next(pollux::ByteView bytes) {
    const std::string_view characters = pollux::text_of(bytes);
    return in_body_ ? read_body(characters) : read_head(characters);
}

Step RequestReader::read_head(std::string_view bytes) {
    switch (scan_.look(bytes)) {
    case HeadScan::State::partial:
        return {};
    case HeadScan::State::malformed:
        return refused(bad_request, "malformed");
    case HeadScan::State::line_too_long:
        return refused(uri_too_long, "long-request-line");
    case HeadScan::State::too_long:
        return refused(fields_too_large, "large-head");
    case HeadScan::State::complete:
        break;
    }
    const std::size_t size = scan_.end();
    const std::string_view head = bytes.substr(scan_.begin(), size - scan_.begin());
    scan_.restart();
    Parser parser{request_, limits_.fields};
    Step step = parse_head(parser, head);
    if (step.what == What::head && request_.has_body()) {
        // Its bytes will be gone before its body has come.
        kept_head_ = head;
        parser_ = std::make_unique<Parser>(request_, limits_.fields);
        step = parse_head(*parser_, kept_head_);
        in_body_ = true;
    }
    step.taken = size;
    return step;
}

Step RequestReader::parse_head(Parser& parser, std::string_view head) {
    request_ = {};
    parser.parse(head);
    if (parser.too_many_fields) return refused(fields_too_large, "many-fields");
    if (parser.error == beast::http::error::bad_version &&
        ends_with_version(head.substr(0, head.find('\r'))))
        return refused(version_not_supported, "version");
    if (parser.error || !parser.is_header_done()) return refused(bad_request, "malformed");
    const Step step = parser.judge();
    if (step.what == What::head && request_.content_length.value_or(0) > limits_.body)
        return refused(content_too_large, "large-body");
    return step;
}

Step RequestReader::read_body(std::string_view bytes) {
    std::size_t taken = 0;
    while (!parser_->is_done()) {
        const std::string_view rest = bytes.substr(taken);
        if (rest.empty()) return {.taken = taken};
        if (request_.chunked && parser_->chunk_left == 0) {
            switch (scan_chunk(rest, parser_->body_size == 0)) {
            case ChunkScan::partial:
                return {.taken = taken};
            case ChunkScan::malformed:
                return refused(bad_request, "chunk");
            case ChunkScan::trailer_too_long:
                return refused(fields_too_large, "large-trailer");
            case ChunkScan::complete:
                break;
            }
        }
        taken += parser_->parse(rest);
        if (parser_->error == beast::http::error::need_more) return {.taken = taken};
        if (parser_->error) return refused(bad_request, "chunk");
        if (parser_->body_size > limits_.body ||
            parser_->chunk_left > limits_.body - parser_->body_size)
            return refused(content_too_large, "large-body");
        if (!parser_->piece.empty())
            return {.what = What::body, .taken = taken, .body = parser_->piece};
    }
    in_body_ = false;
    parser_.reset();
    return {.what = What::done, .taken = taken};
}

} // namespace demos::http
