#pragma once

#include <cstddef>
#include <pollux/instruments/choices.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace pollux {

/// Asks another and remembers what was asked and answered. Questions with one option are none.
class Trail final : public Choices {
public:
    struct Answer {
        std::size_t value;
        std::size_t options;
    };
    enum class Names : bool { forget, keep };

    Trail(Choices& source, std::size_t limit, Names names = Names::forget)
        : source_{source}, limit_{limit}, keeps_names_{names == Names::keep} {}

    std::size_t choose(std::string_view what, std::size_t options) override {
        if (options == 1) return 0;
        if (answers_.size() == limit_) {
            is_cut_ = true;
            return 0;
        }
        const std::size_t value = source_.choose(what, options);
        answers_.push_back({value, options});
        if (keeps_names_) names_.emplace_back(what);
        return value;
    }

    /// More was asked than the limit allows.
    bool is_cut() const noexcept { return is_cut_; }
    const std::vector<Answer>& answers() const noexcept { return answers_; }
    const std::vector<std::string>& names() const noexcept { return names_; }
    std::vector<std::size_t> values() const {
        std::vector<std::size_t> all;
        all.reserve(answers_.size());
        for (const Answer& answer : answers_) all.push_back(answer.value);
        return all;
    }

private:
    Choices& source_;
    std::size_t limit_;
    bool keeps_names_;
    bool is_cut_ = false;
    std::vector<Answer> answers_;
    std::vector<std::string> names_;
};

} // namespace pollux
