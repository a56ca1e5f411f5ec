#pragma once

#include "request.hpp"
#include "response.hpp"

#include <string_view>

namespace demos::http {

/// What a client sent, counted and with its checksum: a form with files (multipart/form-data) is
/// answered with a page, anything else with a line of text. Nothing is kept.
Response take_upload(const Request& request, std::string_view body);

} // namespace demos::http
