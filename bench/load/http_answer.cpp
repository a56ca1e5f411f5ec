#include "http_answer.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include "options.hpp"

namespace load {
namespace {

constexpr std::size_t longest_head = 65536;

[[noreturn]] void refuse(const std::string& what) { throw Failure{"no good HTTP: " + what}; }

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool same_word(std::string_view one, std::string_view another) {
    return std::ranges::equal(one, another, {}, lower, lower);
}

std::string_view without_spaces(std::string_view text) {
    const std::size_t begin = text.find_first_not_of(" \t");
    if (begin == std::string_view::npos) return {};
    return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

// Whether a list with commas has this word.
bool has_word(std::string_view list, std::string_view word) {
    while (!list.empty()) {
        const std::size_t comma = std::min(list.find(','), list.size());
        if (same_word(without_spaces(list.substr(0, comma)), word)) return true;
        list.remove_prefix(std::min(comma + 1, list.size()));
    }
    return false;
}

std::uint64_t number(std::string_view text, int base) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
    if (error != std::errc{} || end != text.data() + text.size())
        refuse("not a length: " + std::string{text.substr(0, 40)});
    return value;
}

} // namespace

void HttpAnswer::restart() noexcept {
    part_ = Part::status_line;
    status_ = 0;
    closes_ = chunked_ = has_length_ = false;
    left_ = 0;
    in_lines_ = 0;
    line_.clear();
}

std::size_t HttpAnswer::take(std::span<const char> bytes) {
    std::size_t used = 0;
    while (used < bytes.size() && !complete()) {
        const auto rest = bytes.subspan(used);
        used += is_in_lines() ? take_line({rest.data(), rest.size()}) : take_body(rest.size());
    }
    return used;
}

bool HttpAnswer::is_in_lines() const noexcept {
    return part_ != Part::body && part_ != Part::chunk && part_ != Part::until_end;
}

std::size_t HttpAnswer::take_line(std::string_view bytes) {
    const std::size_t end = bytes.find('\n');
    const std::size_t used = end == std::string_view::npos ? bytes.size() : end + 1;
    in_lines_ += used;
    if (in_lines_ > longest_head) refuse("a head of more than 65536 bytes");
    if (line_.empty() && end != std::string_view::npos) {
        take_whole_line(bytes.substr(0, used));
    } else {
        line_ += bytes.substr(0, used);
        if (end != std::string_view::npos) take_whole_line(std::exchange(line_, {}));
    }
    return used;
}

std::size_t HttpAnswer::take_body(std::size_t available) noexcept {
    if (part_ == Part::until_end) return available;
    const auto used = static_cast<std::size_t>(std::min<std::uint64_t>(left_, available));
    left_ -= used;
    if (left_ == 0) part_ = part_ == Part::chunk ? Part::chunk_end : Part::complete;
    return used;
}

void HttpAnswer::take_whole_line(std::string_view line) {
    if (!line.ends_with("\r\n")) refuse("a line that does not end with CR LF");
    line.remove_suffix(2);
    switch (part_) {
    case Part::status_line:
        return take_status_line(line);
    case Part::field:
        return line.empty() ? end_head() : take_field(line);
    case Part::chunk_size:
        return take_chunk_size(line);
    case Part::chunk_end:
        if (!line.empty()) refuse("a chunk that is longer than it says");
        in_lines_ = 0;
        part_ = Part::chunk_size;
        return;
    default: // the trailer, whose fields say nothing about the length
        if (line.empty()) part_ = Part::complete;
    }
}

void HttpAnswer::take_status_line(std::string_view line) {
    const auto digit = [&](std::size_t place) { return line[place] >= '0' && line[place] <= '9'; };
    if (!line.starts_with("HTTP/1.") || line.size() < 12 || !digit(7) || line[8] != ' ' ||
        !digit(9) || !digit(10) || !digit(11) || (line.size() > 12 && line[12] != ' '))
        refuse("not a status line: " + std::string{line.substr(0, 40)});
    status_ = static_cast<int>(number(line.substr(9, 3), 10));
    closes_ = line[7] == '0';
    part_ = Part::field;
}

void HttpAnswer::take_field(std::string_view line) {
    const std::size_t colon = line.find(':');
    const std::string_view name = line.substr(0, colon);
    if (colon == std::string_view::npos || name.empty() || name != without_spaces(name))
        refuse("not a field: " + std::string{line.substr(0, 40)});
    const std::string_view value = without_spaces(line.substr(colon + 1));
    if (same_word(name, "Content-Length")) {
        take_length(value);
    } else if (same_word(name, "Transfer-Encoding")) {
        if (!same_word(value, "chunked")) refuse("a transfer coding other than chunked");
        chunked_ = true;
    } else if (same_word(name, "Connection")) {
        closes_ = (closes_ && !has_word(value, "keep-alive")) || has_word(value, "close");
    }
}

void HttpAnswer::take_length(std::string_view value) {
    const std::uint64_t length = number(value, 10);
    if (has_length_ && length != left_) refuse("two different lengths");
    has_length_ = true;
    left_ = length;
}

void HttpAnswer::end_head() {
    if (status_ < 200) return restart(); // an answer before the answer
    if (chunked_ && has_length_) refuse("both chunked and with a length");
    if (status_ == 204 || status_ == 304 || (has_length_ && left_ == 0)) {
        part_ = Part::complete;
    } else if (chunked_) {
        part_ = Part::chunk_size;
    } else if (has_length_) {
        part_ = Part::body;
    } else {
        part_ = Part::until_end;
        closes_ = true;
    }
}

void HttpAnswer::take_chunk_size(std::string_view line) {
    left_ = number(without_spaces(line.substr(0, line.find(';'))), 16);
    part_ = left_ > 0 ? Part::chunk : Part::trailer;
}

} // namespace load
