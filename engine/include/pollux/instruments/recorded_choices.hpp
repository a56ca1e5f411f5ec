#pragma once

#include <cstddef>
#include <pollux/instruments/choices.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace pollux {

/// Answers as they were given in an earlier run, one after the other, and plainly when there are
/// no more. An answer that is too large for its question becomes the largest there is.
class RecordedChoices final : public Choices {
public:
    explicit RecordedChoices(std::vector<std::size_t> answers) noexcept;
    /// From a line as `explore` prints it: numbers, and `N*M` for M times N: `0*12 3 1`. An empty
    /// line is the plain run. Throws `std::invalid_argument`, which says where the line is wrong;
    /// also when it holds more than a million answers.
    explicit RecordedChoices(std::string_view line);

    /// Questions with one option use up no answer.
    std::size_t choose(std::string_view what, std::size_t options) override;

    /// All answers that it began with.
    std::span<const std::size_t> answers() const noexcept { return answers_; }

private:
    std::vector<std::size_t> answers_;
    std::size_t next_ = 0;
};

/// Answers as a line that `RecordedChoices` reads. Zeros at the end are left out: they come anyway.
std::string line_of(std::span<const std::size_t> answers);

} // namespace pollux
