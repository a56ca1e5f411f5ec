#include "byte_range.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <system_error>

namespace demos::http {
namespace {

constexpr std::uint64_t end_of_numbers = static_cast<std::uint64_t>(-1);

// Digits and nothing else; one that is too large is as good as the largest.
std::optional<std::uint64_t> number(std::string_view text) noexcept {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (text.empty() || end != text.data() + text.size()) return std::nullopt;
    return error == std::errc::result_out_of_range ? end_of_numbers : value;
}

} // namespace

ByteRange parse_range(std::string_view field, std::uint64_t size) noexcept {
    constexpr std::string_view unit = "bytes=";
    const ByteRange whole{ByteRange::Kind::whole, 0, size};
    const ByteRange none{ByteRange::Kind::unsatisfiable};
    if (!field.starts_with(unit)) return whole;
    field.remove_prefix(unit.size());
    const std::size_t dash = field.find('-');
    if (dash == std::string_view::npos) return whole;
    const auto first = number(field.substr(0, dash));
    const auto last = number(field.substr(dash + 1));
    if (dash == 0) { // so many from the end
        if (!last) return whole;
        if (*last == 0 || size == 0) return none;
        const std::uint64_t count = std::min(*last, size);
        return {ByteRange::Kind::part, size - count, count};
    }
    const bool open = dash + 1 == field.size();
    if (!first || (!last && !open) || (last && *last < *first)) return whole;
    if (*first >= size) return none;
    const std::uint64_t rest = size - *first;
    return {ByteRange::Kind::part, *first, open ? rest : std::min(*last - *first, rest - 1) + 1};
}

} // namespace demos::http
