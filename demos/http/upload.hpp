#pragma once

#include "response.hpp"
#include "upload_area.hpp"

#include <string>

namespace demos::http {

/// What a client sent.
struct Upload {
    std::string name; ///< Of the file, unless it is a form with files.
    std::string content_type;
    std::string body;
};

/// Counts it, takes its checksum and keeps it in `area`, which may be null: then nothing is kept. A
/// form with files (multipart/form-data) is answered with a page, anything else with a line of
/// text. Takes its time, and may be called on any thread.
Response take_upload(const Upload& upload, UploadArea* area);

} // namespace demos::http
