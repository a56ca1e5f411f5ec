// Lines of recorded choices, which replay a run: what is read is written and read back the same.

#include "fuzzing.hpp"

#include <algorithm>
#include <pollux/instruments/recorded_choices.hpp>
#include <stdexcept>

namespace {

using pollux::RecordedChoices;
using pollux_test::must;

std::vector<std::size_t> without_zeros_behind(std::span<const std::size_t> answers) {
    std::vector<std::size_t> result{answers.begin(), answers.end()};
    while (!result.empty() && result.back() == 0) result.pop_back();
    return result;
}

void check_answers(RecordedChoices& choices, const std::vector<std::size_t>& answers) {
    for (const std::size_t answer : answers)
        must(choices.choose("as it was", std::max<std::size_t>(answer + 1, 2)) == answer ||
                 answer + 1 == 0,
             "answers come in their order");
    must(choices.choose("behind", 7) == 0, "and then plain ones");
}

void fuzz(std::string_view input) {
    try {
        RecordedChoices choices{input};
        const auto answers = without_zeros_behind(choices.answers());
        const std::string line = pollux::line_of(choices.answers());
        must(line.empty() || pollux_test::is_one_plain_line(line), "one plain line", line);
        const RecordedChoices again{line};
        must(without_zeros_behind(again.answers()) == answers, "it reads as it was written", line);
        must(pollux::line_of(again.answers()) == line, "and is written the same", line);
        if (answers.size() < 1000) check_answers(choices, answers);
        for (const std::size_t options : {std::size_t{1}, std::size_t{2}})
            must(choices.choose("few", options) < options, "an answer is one of the options");
    } catch (const std::invalid_argument& refusal) {
        must(*refusal.what() != '\0', "a refusal says why");
    }
}

const pollux_test::FuzzTarget target{"recorded_choices", fuzz};

} // namespace
