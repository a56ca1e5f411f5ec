#include "site.hpp"

#include "escaping.hpp"
#include "pages.hpp"

namespace demos::http {
namespace {

constexpr std::string_view no_store = "Cache-Control: no-store\r\n";
constexpr std::string_view files = "/files/";
constexpr std::string_view uploads = "/upload";

bool is_upload(std::string_view path) { return path == uploads || path.starts_with("/upload/"); }

// "/upload/NAME"; what cannot be decoded is no name that could be kept.
std::string name_of_upload(std::string_view path) {
    path.remove_prefix(uploads.size());
    if (path.size() < 2) return {};
    return percent_decoded(path.substr(1)).value_or("/");
}

// What a path answers, as the field Allow says it.
std::string_view allowed(std::string_view path) {
    if (is_upload(path)) return "GET, HEAD, POST, PUT, OPTIONS";
    if (path == "/guestbook") return "GET, HEAD, POST, OPTIONS";
    return "GET, HEAD, OPTIONS";
}

bool is_allowed(const Request& request) {
    return allowed(request.path).find(to_string(request.method)) != std::string_view::npos;
}

Response not_allowed(std::string_view path) {
    Response response = status_page(405);
    response.fields = "Allow: " + std::string{allowed(path)} + "\r\n";
    return response;
}

} // namespace

Site::Site(pollux::EventLoop& loop, Statistics statistics, AnswerLater answer_later)
    : loop_{loop},
      statistics_{std::move(statistics)},
      answer_later_{std::move(answer_later)},
      first_page_{page("A small web application", first_page_body())},
      upload_page_{page("Upload", upload_page_body())},
      statistics_page_{page("Statistics", statistics_page_body(),
                            "<script src=\"/stats.js\" defer></script>\n")} {}

bool Site::takes_body(const Request& request) const {
    return (request.method == Method::post || request.method == Method::put) && is_allowed(request);
}

std::optional<Response> Site::answer(const Request& request, std::string body,
                                     pollux::ConnectionId asker) {
    if (!is_allowed(request)) return not_allowed(request.path);
    switch (request.method) {
    case Method::options:
        return Response{.status = 204,
                        .fields = "Allow: " + std::string{allowed(request.path)} + "\r\n"};
    case Method::post:
    case Method::put:
        if (is_upload(request.path))
            return take(
                {name_of_upload(request.path), std::string{request.content_type}, std::move(body)},
                asker);
        return guest_book_.sign(request.content_type, body);
    default:
        return get(request);
    }
}

std::optional<Response> Site::take(Upload upload, pollux::ConnectionId asker) {
    UploadArea* const area = uploads_ ? &*uploads_ : nullptr;
    const bool accepted = workers_.submit(
        loop_, [upload = std::move(upload), area] { return take_upload(upload, area); },
        [this, asker](pollux::WorkResult<Response> result) {
            answer_later_(asker, result.failed() ? status_page(500) : result.get());
        });
    if (accepted) return std::nullopt;
    return status_page(503, "Too many uploads wait.");
}

Response Site::get(const Request& request) {
    const std::string_view path = request.path;
    if (path == "/") return {.type = html_type, .fixed = first_page_};
    if (path == "/plain") return {.fixed = "Hello, World!\n"};
    if (path == "/stats") return {.type = html_type, .fixed = statistics_page_};
    if (path == "/stats.json")
        return {.type = "application/json", .fields = std::string{no_store}, .text = statistics_()};
    if (path == "/guestbook") return guest_book_.show();
    if (path == uploads) return {.type = html_type, .fixed = upload_page_};
    if (path == "/style.css") return {.type = "text/css; charset=utf-8", .fixed = style_sheet()};
    if (path == "/stats.js")
        return {.type = "text/javascript; charset=utf-8", .fixed = statistics_script()};
    if (path == "/icon.svg") return {.type = "image/svg+xml", .fixed = icon()};
    if (files_ && path.starts_with(files)) return files_->answer(request);
    if (files_ && path == "/files") return {.status = 301, .fields = "Location: /files/\r\n"};
    if (path.starts_with(files)) return status_page(404, "No files are served: see --root.");
    return status_page(404);
}

} // namespace demos::http
