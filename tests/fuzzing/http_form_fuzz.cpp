// Bodies of forms. The first line of the input is the Content-Type, the rest the body: what was
// found lies in the body, in order, and a form that is made of it again holds the same.

#include "fuzzing.hpp"
#include "http/escaping.hpp"
#include "http/multipart.hpp"

#include <algorithm>

namespace {

using demos::http::Part;
using pollux_test::must;

bool lies_in(std::string_view part, std::string_view whole) {
    return part.empty() || (part.data() >= whole.data() &&
                            part.data() + part.size() <= whole.data() + whole.size());
}

// A form of these parts, as a browser writes it. A name that needs no quotes may hold one.
bool can_be_written(const Part& part) {
    const auto plain = [](std::string_view text) {
        return text.find_first_of("\"\r\n") == std::string_view::npos;
    };
    return plain(part.name) && plain(part.file_name.value_or("")) && plain(part.type);
}

std::string written(const std::vector<Part>& parts, std::string_view boundary) {
    const std::string mark = "--" + std::string{boundary};
    std::string body = mark;
    for (const Part& part : parts) {
        body.append("\r\nContent-Disposition: form-data; name=\"").append(part.name).append("\"");
        if (part.file_name) body.append("; filename=\"").append(*part.file_name).append("\"");
        if (!part.type.empty()) body.append("\r\nContent-Type: ").append(part.type);
        body.append("\r\n\r\n").append(part.content).append("\r\n").append(mark);
    }
    return body + "--\r\n";
}

void check_parts(std::string_view body, std::string_view boundary) {
    constexpr std::size_t most = 5;
    const auto parts = demos::http::parse_multipart(body, boundary, most);
    if (!parts) return;
    must(!boundary.empty() && parts->size() <= most, "no more parts than may be");
    const char* end = body.data();
    const std::string delimiter = "\r\n--" + std::string{boundary};
    for (const Part& part : *parts) {
        for (const std::string_view text :
             {part.name, part.file_name.value_or(""), part.type, part.content})
            must(lies_in(text, body), "what was found lies in the body");
        must(part.content.data() >= end, "parts follow each other");
        must(part.content.find(delimiter) == part.content.npos, "a part ends at its boundary");
        end = part.content.data() + part.content.size();
    }
    if (!std::ranges::all_of(*parts, can_be_written)) return;
    const std::string again = written(*parts, boundary);
    const auto same = [](const Part& a, const Part& b) {
        return a.name == b.name && a.file_name == b.file_name && a.type == b.type &&
               a.content == b.content;
    };
    const auto read = demos::http::parse_multipart(again, boundary, most);
    must(read && std::ranges::equal(*read, *parts, same), "a form reads as it was written", again);
}

void check_form(std::string_view body) {
    const auto form = demos::http::parse_form(body);
    if (!form) return;
    std::string again;
    for (const auto& [name, value] : *form) {
        again += again.empty() ? "" : "&";
        again += demos::http::percent_encoded(name) + '=' + demos::http::percent_encoded(value);
    }
    const auto read = demos::http::parse_form(again);
    must(read && *read == *form, "a form reads as it was written", again);
}

void check_escapes(std::string_view text) {
    const std::string encoded = demos::http::percent_encoded(text);
    must(encoded.find_first_of("/?#&=+ \r\n") == encoded.npos, "one segment stays one", encoded);
    must(demos::http::percent_decoded(encoded) == text, "what is encoded is decoded");
    if (const auto decoded = demos::http::percent_decoded(text))
        must(decoded->size() <= text.size(), "decoding makes nothing longer");
    const std::string page = demos::http::html(text);
    must(page.find_first_of("<>\"'") == page.npos, "a text in HTML is a text", page);
}

void fuzz(std::string_view input) {
    const std::size_t end = std::min(input.find('\n'), input.size());
    const std::string_view type = input.substr(0, end);
    const std::string_view body = input.substr(std::min(end + 1, input.size()));
    const std::string_view boundary = demos::http::boundary_of(type);
    must(boundary.size() <= 70 && lies_in(boundary, type), "a boundary stands in the type");
    check_parts(body, boundary);
    check_parts(body, "X");
    check_form(body);
    check_escapes(body);
}

const pollux_test::FuzzTarget target{"http_form", fuzz};

} // namespace
