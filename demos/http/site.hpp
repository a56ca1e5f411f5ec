#pragma once

#include "application.hpp"
#include "guest_book.hpp"
#include "static_files.hpp"
#include "upload.hpp"
#include "upload_area.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <pollux/event_loop.hpp>
#include <pollux/worker_pool.hpp>
#include <string>

namespace demos::http {

/// The web application: which path is answered how.
class Site final : public Application {
public:
    using Statistics = std::function<std::string()>;
    using AnswerLater = std::function<void(pollux::ConnectionId, Response)>;

    /// `statistics` makes the JSON of /stats.json; `answer_later` gets the answers that took
    /// longer. To be destroyed before the loop.
    Site(pollux::EventLoop& loop, Statistics statistics, AnswerLater answer_later);

    /// Serves the files below that directory under /files/. Throws as `StaticFiles`.
    void serve_files(const std::string& root) { files_.emplace(root, "/files/"); }

    /// Keeps what is uploaded in that directory. Throws as `UploadArea`.
    void keep_uploads(const std::string& directory, std::uint64_t quota) {
        uploads_.emplace(directory, quota);
    }

    bool takes_body(const Request& request) const override;
    std::optional<Response> answer(const Request& request, std::string body,
                                   pollux::ConnectionId asker) override;

private:
    std::optional<Response> take(Upload upload, pollux::ConnectionId asker);
    Response get(const Request& request);

    pollux::EventLoop& loop_;
    Statistics statistics_;
    AnswerLater answer_later_;
    std::string first_page_;
    std::string upload_page_;
    std::string statistics_page_;
    GuestBook guest_book_;
    std::optional<StaticFiles> files_;
    std::optional<UploadArea> uploads_;
    pollux::WorkerPool workers_; // for uploads; last, since its threads use the area
};

} // namespace demos::http
