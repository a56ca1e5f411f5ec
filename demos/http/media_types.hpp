#pragma once

#include <string_view>

namespace demos::http {

/// The media type of a file by the end of its name; one that is not known is bytes.
std::string_view media_type(std::string_view name) noexcept;

} // namespace demos::http
