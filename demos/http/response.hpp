#pragma once

#include "request.hpp"

#include <cstdint>
#include <ctime>
#include <optional>
#include <pollux/fd.hpp>
#include <string>
#include <string_view>

namespace demos::http {

/// What a page may load and do: nothing but what this server itself serves.
inline constexpr std::string_view own_content_only =
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; "
    "img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

inline constexpr std::string_view html_type = "text/html; charset=utf-8";
inline constexpr std::string_view text_type = "text/plain; charset=utf-8";

/// A part of a regular file.
struct FileRange {
    pollux::Fd file;
    std::uint64_t offset = 0;
    std::uint64_t count = 0;
};

/// An answer. Its body is `text`, or if that is empty `fixed`, which outlives it, or the
/// part of a file.
struct Response {
    int status = 200;
    std::string_view type = text_type; ///< Lives for ever.
    std::string_view
        policy{};         ///< Of its content; empty: `own_content_only` for a page. Lives for ever.
    std::string fields{}; ///< Further ones, each a line with its end.
    std::string text{};
    std::string_view fixed{};
    std::optional<FileRange> file{};

    std::string_view body() const { return text.empty() ? fixed : std::string_view{text}; }
    std::uint64_t size() const { return file ? file->count : body().size(); }
};

/// A page that says what the status means; `detail` is one more sentence.
Response status_page(int status, std::string_view detail = {});
/// 303: the page to be fetched after a form was taken.
Response see_other(std::string_view path);

std::string_view reason_phrase(int status);

/// "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110, 5.6.7).
std::string http_date(std::time_t time);
std::optional<std::time_t> parse_http_date(const std::string& text);

/// Writes the heads of responses. The line of the date is made once a second.
class ResponseWriter {
public:
    /// Valid until the next call. `closes`: this is the last response of the connection.
    std::string_view head(const Response& response, const Request& request, bool closes);

private:
    std::string text_;
    std::string date_;
    std::time_t now_ = -1;
};

} // namespace demos::http
