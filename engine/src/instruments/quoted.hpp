#pragma once

#include <string>
#include <string_view>

namespace pollux {

/// Bytes as text in quotes, on one line; of many the first, and how many there are.
std::string quoted(std::string_view bytes);

} // namespace pollux
