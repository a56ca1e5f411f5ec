#pragma once

#include "response.hpp"

#include <string>

namespace demos::http {

/// What a client sent to be counted and summed up.
struct Upload {
    std::string content_type;
    std::string body;
};

/// Counts it and takes its checksum: a form with files (multipart/form-data) is answered with a
/// page, anything else with a line of text. Nothing is kept. Takes its time with a large one, and
/// may be called on any thread.
Response check_upload(const Upload& upload);

} // namespace demos::http
