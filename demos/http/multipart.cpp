#include "multipart.hpp"

#include <algorithm>
#include <strings.h>

namespace demos::http {
namespace {

constexpr std::string_view line_end = "\r\n";
constexpr auto nowhere = std::string_view::npos;

bool same_word(std::string_view a, std::string_view b) {
    return a.size() == b.size() && ::strncasecmp(a.data(), b.data(), a.size()) == 0;
}

std::string_view trimmed(std::string_view text) {
    const std::size_t first = std::min(text.find_first_not_of(" \t"), text.size());
    text.remove_prefix(first);
    const std::size_t last = text.find_last_not_of(" \t");
    return text.substr(0, last == nowhere ? 0 : last + 1);
}

// `; name="value"` or `; name=value` behind the first word of a field.
std::optional<std::string_view> parameter(std::string_view field, std::string_view wanted) {
    field.remove_prefix(std::min(field.find(';'), field.size()));
    while (!field.empty()) {
        field.remove_prefix(1); // the ";"
        const std::size_t equals = field.find('=');
        if (equals == nowhere) return std::nullopt;
        const std::string_view name = trimmed(field.substr(0, equals));
        field.remove_prefix(equals + 1);
        std::string_view value;
        if (field.starts_with('"')) {
            // Browsers write a quote in a name as %22, so a backslash is a backslash.
            const std::size_t end = field.find('"', 1);
            if (end == nowhere) return std::nullopt;
            value = field.substr(1, end - 1);
            field.remove_prefix(end + 1);
            field.remove_prefix(std::min(field.find(';'), field.size()));
        } else {
            const std::size_t end = std::min(field.find(';'), field.size());
            value = trimmed(field.substr(0, end));
            field.remove_prefix(end);
        }
        if (same_word(name, wanted)) return value;
    }
    return std::nullopt;
}

std::string_view first_word(std::string_view field) {
    return trimmed(field.substr(0, field.find(';')));
}

// Takes the head of a part from the front of `text`.
std::optional<Part> take_head(std::string_view& text) {
    Part part;
    bool is_form_data = false;
    while (!text.starts_with(line_end)) {
        const std::size_t end = text.find(line_end);
        const std::size_t colon = text.find(':');
        if (end == nowhere || colon == nowhere || colon > end) return std::nullopt;
        const std::string_view name = text.substr(0, colon);
        const std::string_view value = trimmed(text.substr(colon + 1, end - colon - 1));
        if (same_word(name, "content-disposition")) {
            is_form_data = same_word(first_word(value), "form-data");
            part.name = parameter(value, "name").value_or("");
            part.file_name = parameter(value, "filename");
        } else if (same_word(name, "content-type")) {
            part.type = value;
        }
        text.remove_prefix(end + line_end.size());
    }
    text.remove_prefix(line_end.size());
    return is_form_data ? std::optional{part} : std::nullopt;
}

} // namespace

std::string_view boundary_of(std::string_view content_type) {
    if (!same_word(first_word(content_type), "multipart/form-data")) return {};
    const std::string_view boundary = parameter(content_type, "boundary").value_or("");
    return boundary.size() <= 70 ? boundary : std::string_view{}; // RFC 2046, 5.1.1
}

std::optional<std::vector<Part>> parse_multipart(std::string_view body, std::string_view boundary,
                                                 std::size_t most) {
    const std::string delimiter = "\r\n--" + std::string{boundary};
    std::vector<Part> parts;
    // The first one may stand at the very front, without the line end that belongs to it.
    const std::string_view opening = std::string_view{delimiter}.substr(line_end.size());
    if (boundary.empty() || !body.starts_with(opening)) return std::nullopt;
    body.remove_prefix(opening.size());
    while (!body.starts_with("--")) {
        if (!body.starts_with(line_end) || parts.size() == most) return std::nullopt;
        body.remove_prefix(line_end.size());
        std::optional<Part> part = take_head(body);
        if (!part) return std::nullopt;
        const std::size_t end = body.find(delimiter);
        if (end == nowhere) return std::nullopt;
        part->content = body.substr(0, end);
        parts.push_back(*part);
        body.remove_prefix(end + delimiter.size());
    }
    return parts;
}

} // namespace demos::http
