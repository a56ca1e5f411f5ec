#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace demos::http {

/// One part of a body of the type multipart/form-data (RFC 7578). The texts are views into the
/// body.
struct Part {
    std::string_view name;
    std::optional<std::string_view> file_name; ///< As the client wrote it: never a path to trust.
    std::string_view type;
    std::string_view content;
};

/// The boundary that a Content-Type names; empty when it is another type or none is named.
std::string_view boundary_of(std::string_view content_type);

/// The parts of a whole body; nothing when it is malformed, cut off, or has more than `most` parts.
std::optional<std::vector<Part>> parse_multipart(std::string_view body, std::string_view boundary,
                                                 std::size_t most = 100);

} // namespace demos::http
