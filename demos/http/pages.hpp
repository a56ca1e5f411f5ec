#pragma once

#include <string>
#include <string_view>

namespace demos::http {

/// A whole page with the common frame; `title` is text, `body` and `scripts` are HTML.
std::string page(std::string_view title, std::string_view body, std::string_view scripts = {});

/// What never changes.
std::string_view style_sheet();
std::string_view statistics_script();
std::string_view icon();
std::string_view first_page_body();
std::string_view upload_page_body();
std::string_view statistics_page_body();

} // namespace demos::http
