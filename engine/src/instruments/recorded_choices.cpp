#include <pollux/instruments/recorded_choices.hpp>

#include <algorithm>
#include <cassert>
#include <charconv>
#include <stdexcept>
#include <utility>

namespace pollux {
namespace {

constexpr std::size_t most_answers = 1'000'000;

class LineReader {
public:
    explicit LineReader(std::string_view line) : line_{line} {}

    std::vector<std::size_t> answers() {
        std::vector<std::size_t> found;
        for (skip_spaces(); at_ < line_.size(); skip_spaces()) {
            const std::size_t answer = number();
            const std::size_t times = took('*') ? number() : 1;
            if (times > most_answers - found.size()) fail("more than a million answers");
            found.insert(found.end(), times, answer);
            if (at_ < line_.size() && line_[at_] != ' ') fail("expected a space");
        }
        return found;
    }

private:
    void skip_spaces() { at_ = std::min(line_.find_first_not_of(' ', at_), line_.size()); }
    bool took(char wanted) {
        const bool is_there = at_ < line_.size() && line_[at_] == wanted;
        if (is_there) ++at_;
        return is_there;
    }
    std::size_t number() {
        std::size_t value = 0;
        const char* const begin = line_.data() + at_;
        const auto [end, error] = std::from_chars(begin, line_.data() + line_.size(), value);
        if (error == std::errc::result_out_of_range) fail("the number is too large");
        if (error != std::errc{}) fail("expected a number");
        at_ += static_cast<std::size_t>(end - begin);
        return value;
    }
    [[noreturn]] void fail(const char* why) const {
        throw std::invalid_argument{"choices \"" + std::string{line_} + "\", at " +
                                    std::to_string(at_) + ": " + why};
    }

    std::string_view line_;
    std::size_t at_ = 0;
};

} // namespace

RecordedChoices::RecordedChoices(std::vector<std::size_t> answers) noexcept
    : answers_{std::move(answers)} {}

RecordedChoices::RecordedChoices(std::string_view line) : answers_{LineReader{line}.answers()} {}

std::size_t RecordedChoices::choose(std::string_view /*what*/, std::size_t options) {
    assert(options > 0);
    if (options == 1 || next_ == answers_.size()) return 0;
    return std::min(answers_[next_++], options - 1);
}

std::string line_of(std::span<const std::size_t> answers) {
    while (!answers.empty() && answers.back() == 0) answers = answers.first(answers.size() - 1);
    std::string line;
    while (!answers.empty()) {
        const auto differs = std::ranges::find_if(
            answers, [&](std::size_t other) { return other != answers.front(); });
        const auto times = static_cast<std::size_t>(differs - answers.begin());
        if (!line.empty()) line += ' ';
        line += std::to_string(answers.front());
        if (times > 1) line += '*' + std::to_string(times);
        answers = answers.subspan(times);
    }
    return line;
}

} // namespace pollux
