#pragma once

#include "application.hpp"
#include "guest_book.hpp"
#include "static_files.hpp"

#include <functional>
#include <optional>
#include <string>

namespace demos::http {

/// The web application: which path is answered how.
class Site final : public Application {
public:
    /// `statistics` makes the JSON of /stats.json.
    explicit Site(std::function<std::string()> statistics);

    /// Serves the files below that directory under /files/. Throws as `StaticFiles`.
    void serve_files(const std::string& root) { files_.emplace(root, "/files/"); }

    bool takes_body(const Request& request) const override;
    std::optional<Response> answer(const Request& request, std::string body,
                                   pollux::ConnectionId asker) override;

private:
    Response respond(const Request& request, std::string_view body);
    Response get(const Request& request);

    std::function<std::string()> statistics_;
    std::string first_page_;
    std::string upload_page_;
    std::string statistics_page_;
    GuestBook guest_book_;
    std::optional<StaticFiles> files_;
};

} // namespace demos::http
