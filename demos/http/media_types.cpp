#include "media_types.hpp"

#include <algorithm>
#include <array>
#include <strings.h>

namespace demos::http {

std::string_view media_type(std::string_view name) noexcept {
    struct Known {
        std::string_view end;
        std::string_view type;
    };
    static constexpr std::array known{
        Known{"css", "text/css; charset=utf-8"},
        Known{"csv", "text/csv; charset=utf-8"},
        Known{"gif", "image/gif"},
        Known{"gz", "application/gzip"},
        Known{"htm", "text/html; charset=utf-8"},
        Known{"html", "text/html; charset=utf-8"},
        Known{"ico", "image/vnd.microsoft.icon"},
        Known{"jpeg", "image/jpeg"},
        Known{"jpg", "image/jpeg"},
        Known{"js", "text/javascript; charset=utf-8"},
        Known{"json", "application/json"},
        Known{"md", "text/markdown; charset=utf-8"},
        Known{"mp3", "audio/mpeg"},
        Known{"mp4", "video/mp4"},
        Known{"ogg", "audio/ogg"},
        Known{"pdf", "application/pdf"},
        Known{"png", "image/png"},
        Known{"svg", "image/svg+xml"},
        Known{"txt", "text/plain; charset=utf-8"},
        Known{"wasm", "application/wasm"},
        Known{"webm", "video/webm"},
        Known{"webp", "image/webp"},
        Known{"woff2", "font/woff2"},
        Known{"xml", "application/xml"},
        Known{"zip", "application/zip"},
    };
    const std::size_t dot = name.rfind('.');
    const std::string_view end = dot == std::string_view::npos ? name : name.substr(dot + 1);
    const auto* const found = std::find_if(known.begin(), known.end(), [end](const Known& entry) {
        return entry.end.size() == end.size() &&
               ::strncasecmp(entry.end.data(), end.data(), end.size()) == 0;
    });
    return found == known.end() || dot == std::string_view::npos ? "application/octet-stream"
                                                                 : found->type;
}

} // namespace demos::http
