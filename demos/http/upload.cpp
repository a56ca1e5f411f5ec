#include "upload.hpp"

#include "checksum.hpp"
#include "escaping.hpp"
#include "multipart.hpp"
#include "pages.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

namespace demos::http {
namespace {

std::string crc_of(std::string_view content) {
    std::array<char, 9> digits{};
    std::snprintf(digits.data(), digits.size(), "%08x", static_cast<unsigned>(crc32(content)));
    return digits.data();
}

UploadArea::Outcome keep(UploadArea* area, const std::string& name, std::string_view content) {
    if (area == nullptr || name.empty()) return {200, "not kept"};
    return area->keep(name, content);
}

std::string row(const Part& part, std::string_view outcome) {
    const std::string_view shown = part.file_name ? *part.file_name : part.content.substr(0, 200);
    return "<tr><td>" + html(part.name) + "</td><td>" + html(shown) + "</td><td>" +
           html(part.type) + "</td><td class=\"number\">" + std::to_string(part.content.size()) +
           "</td><td><code>" + crc_of(part.content) + "</code></td><td>" + std::string{outcome} +
           "</td></tr>\n";
}

Response take_form(const Upload& upload, UploadArea* area) {
    const auto parts = parse_multipart(upload.body, boundary_of(upload.content_type));
    if (!parts) return status_page(400, "The parts of the form are malformed.");
    int status = 200; // the worst of all
    std::string text =
        "<h1>Received</h1>\n<table><tr><th>Field</th><th>File or text</th>"
        "<th>Type</th><th class=\"number\">Bytes</th><th>CRC-32</th><th></th></tr>\n";
    for (const Part& part : *parts) {
        const auto outcome = keep(area, std::string{part.file_name.value_or("")}, part.content);
        status = std::max(status, outcome.status);
        text += row(part, outcome.text);
    }
    text += "</table>\n<p><a href=\"/upload\">Another one</a></p>\n";
    return {.status = status, .type = html_type, .text = page("Received", text)};
}

} // namespace

Response take_upload(const Upload& upload, UploadArea* area) {
    if (upload.content_type.starts_with("multipart/")) return take_form(upload, area);
    const auto outcome = keep(area, upload.name, upload.body);
    return {.status = outcome.status,
            .text = std::to_string(upload.body.size()) + " bytes, crc32 " + crc_of(upload.body) +
                    ", " + std::string{outcome.text} + "\n"};
}

} // namespace demos::http
