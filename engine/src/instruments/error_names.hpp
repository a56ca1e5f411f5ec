#pragma once

#include <optional>
#include <string_view>

namespace pollux {

/// The number of `EMFILE` or `EAI_AGAIN`.
std::optional<int> find_error(std::string_view name) noexcept;

} // namespace pollux
