#include "upload.hpp"

#include "checksum.hpp"
#include "escaping.hpp"
#include "multipart.hpp"
#include "pages.hpp"

#include <array>
#include <cstdio>

namespace demos::http {
namespace {

std::string crc_of(std::string_view content) {
    std::array<char, 9> digits{};
    std::snprintf(digits.data(), digits.size(), "%08x", static_cast<unsigned>(crc32(content)));
    return digits.data();
}

std::string row(const Part& part) {
    const std::string_view shown = part.file_name ? *part.file_name : part.content.substr(0, 200);
    return "<tr><td>" + html(part.name) + "</td><td>" + html(shown) + "</td><td>" +
           html(part.type) + "</td><td class=\"number\">" + std::to_string(part.content.size()) +
           "</td><td><code>" + crc_of(part.content) + "</code></td></tr>\n";
}

} // namespace

Response check_upload(const Upload& upload) {
    const std::string& body = upload.body;
    if (!upload.content_type.starts_with("multipart/"))
        return {.text = std::to_string(body.size()) + " bytes, crc32 " + crc_of(body) + "\n"};

    const auto parts = parse_multipart(body, boundary_of(upload.content_type));
    if (!parts) return status_page(400, "The parts of the form are malformed.");
    std::string text = "<h1>Received</h1>\n<table><tr><th>Field</th><th>File or text</th>"
                       "<th>Type</th><th class=\"number\">Bytes</th><th>CRC-32</th></tr>\n";
    for (const Part& part : *parts) text += row(part);
    text += "</table>\n<p><a href=\"/upload\">Another one</a></p>\n";
    return {.type = html_type, .text = page("Received", text)};
}

} // namespace demos::http
