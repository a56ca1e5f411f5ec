#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace kernel {

/// A line on standard input: `go COUNT WORD…`.
class Question {
public:
    /// Throws `std::invalid_argument` when it is no such line.
    explicit Question(const std::string& line);
    std::uint64_t count() const noexcept { return count_; }
    /// The words after the count. Both throw `std::invalid_argument` when there are not so many, or
    /// when it is no number.
    const std::string& word(std::size_t place) const;
    std::size_t number(std::size_t place) const;

private:
    std::uint64_t count_ = 0;
    std::vector<std::string> words_;
};

/// One JSON object.
class Answer {
public:
    Answer& add(std::string_view name, std::int64_t value);
    Answer& add(std::string_view name, std::span<const std::int64_t> values);
    std::string text() const { return text_ + "}"; }

private:
    void name(std::string_view name);
    std::string text_ = "{";
};

/// Says `ready`, then answers each question with a line, until standard input ends. Returns the
/// exit status; what `answer` throws goes to standard error and ends it.
int stand_by(const std::function<Answer(const Question&)>& answer);

/// A minimal-standard generator is enough to choose descriptors, and costs next to nothing.
class Chance {
public:
    explicit Chance(std::uint64_t seed) noexcept : state_{seed | 1} {}
    std::size_t below(std::size_t end) noexcept {
        state_ ^= state_ << 13;
        state_ ^= state_ >> 7;
        state_ ^= state_ << 17;
        return static_cast<std::size_t>(state_ % end);
    }

private:
    std::uint64_t state_;
};

} // namespace kernel
