#include "response.hpp"

#include "escaping.hpp"

#include <array>
#include <charconv>

namespace demos::http {
namespace {

constexpr const char* date_form = "%a, %d %b %Y %H:%M:%S GMT";

void append_number(std::string& text, std::uint64_t number) {
    std::array<char, 20> digits{};
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
    text.append(digits.data(), end);
}

bool never_has_body(int status) { return status < 200 || status == 204 || status == 304; }

} // namespace

std::string_view reason_phrase(int status) {
    struct Phrase {
        int status;
        std::string_view text;
    };
    static constexpr std::array<Phrase, 25> phrases{{{200, "OK"},
                                                     {201, "Created"},
                                                     {204, "No Content"},
                                                     {206, "Partial Content"},
                                                     {301, "Moved Permanently"},
                                                     {303, "See Other"},
                                                     {304, "Not Modified"},
                                                     {400, "Bad Request"},
                                                     {403, "Forbidden"},
                                                     {404, "Not Found"},
                                                     {405, "Method Not Allowed"},
                                                     {408, "Request Timeout"},
                                                     {409, "Conflict"},
                                                     {413, "Content Too Large"},
                                                     {414, "URI Too Long"},
                                                     {415, "Unsupported Media Type"},
                                                     {416, "Range Not Satisfiable"},
                                                     {417, "Expectation Failed"},
                                                     {422, "Unprocessable Content"},
                                                     {431, "Request Header Fields Too Large"},
                                                     {500, "Internal Server Error"},
                                                     {501, "Not Implemented"},
                                                     {503, "Service Unavailable"},
                                                     {505, "HTTP Version Not Supported"},
                                                     {507, "Insufficient Storage"}}};
    for (const Phrase& phrase : phrases)
        if (phrase.status == status) return phrase.text;
    return "Unknown";
}

Response status_page(int status, std::string_view detail) {
    const std::string title = std::to_string(status) + ' ' + std::string{reason_phrase(status)};
    return {.status = status,
            .type = html_type,
            .text = "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>" +
                    title + "</title><link rel=\"stylesheet\" href=\"/style.css\"></head>\n" +
                    "<body><main><h1>" + title + "</h1><p>" + html(detail) +
                    "</p><p><a href=\"/\">To the first page</a></p></main></body></html>\n"};
}

Response see_other(std::string_view path) {
    return {.status = 303, .fields = "Location: " + std::string{path} + "\r\n"};
}

std::string http_date(std::time_t time) {
    std::tm parts{};
    ::gmtime_r(&time, &parts);
    std::array<char, 40> text{};
    return {text.data(), std::strftime(text.data(), text.size(), date_form, &parts)};
}

std::optional<std::time_t> parse_http_date(const std::string& text) {
    std::tm parts{};
    const char* const end = ::strptime(text.c_str(), date_form, &parts);
    if (end == nullptr || *end != '\0') return std::nullopt;
    return ::timegm(&parts);
}

std::string_view ResponseWriter::head(const Response& response, const Request& request,
                                      bool closes) {
    const std::time_t now = std::time(nullptr);
    if (now != now_) date_ = "\r\nServer: pollux\r\nDate: " + http_date(now) + "\r\n";
    now_ = now;

    text_ = "HTTP/1.1 ";
    append_number(text_, static_cast<std::uint64_t>(response.status));
    (text_ += ' ') += reason_phrase(response.status);
    text_ += date_;
    if (!never_has_body(response.status)) {
        if (response.size() > 0) (text_ += "Content-Type: ") += response.type;
        if (response.size() > 0) text_ += "\r\n";
        append_number(text_ += "Content-Length: ", response.size());
        text_ += "\r\n";
    }
    text_ += "X-Content-Type-Options: nosniff\r\n";
    const std::string_view policy =
        response.policy.empty() && response.type == html_type ? own_content_only : response.policy;
    if (!policy.empty()) ((text_ += "Content-Security-Policy: ") += policy) += "\r\n";
    text_ += response.fields;
    if (closes)
        text_ += "Connection: close\r\n";
    else if (!request.is_1_1)
        text_ += "Connection: keep-alive\r\n";
    text_ += "\r\n";
    return text_;
}

} // namespace demos::http
