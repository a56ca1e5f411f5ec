#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace demos::http {

/// For HTML, in texts and in quoted attributes; what no terminal should see is written as `\xNN`.
std::string html(std::string_view text);

/// `%41` is "A". Nothing when two hexadecimal digits do not follow a "%".
std::optional<std::string> percent_decoded(std::string_view text);
/// One segment of a path: all but letters, digits and `-._~` as `%NN`.
std::string percent_encoded(std::string_view segment);

/// The names and values of a form (application/x-www-form-urlencoded), in their order. Nothing
/// when it is malformed.
using Form = std::vector<std::pair<std::string, std::string>>;
std::optional<Form> parse_form(std::string_view body);
/// The first value of that name, or nothing.
std::string_view value_of(const Form& form, std::string_view name);

} // namespace demos::http
