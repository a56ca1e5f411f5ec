#include "shrink.hpp"

#include "trail.hpp"

#include <algorithm>
#include <iterator>
#include <pollux/instruments/recorded_choices.hpp>
#include <tuple>
#include <utility>

namespace pollux {
namespace {

/// What one question was answered, and by which name it went.
struct Step {
    std::string what;
    std::size_t value;
};
using Steps = std::vector<Step>;

/// Answers by steps of an earlier run of which some may be missing. Then other questions come than
/// those that were answered, and what follows must not be taken for their answers: who does not
/// find the question among the next steps, answers plainly.
class AlignedChoices final : public Choices {
public:
    explicit AlignedChoices(const Steps& steps) : steps_{steps} {}

    std::size_t choose(std::string_view what, std::size_t options) override {
        const std::size_t end = std::min(next_ + farthest, steps_.size());
        for (std::size_t step = next_; step < end; ++step) {
            if (steps_[step].what != what) continue;
            next_ = step + 1;
            return std::min(steps_[step].value, options - 1);
        }
        return 0;
    }

private:
    static constexpr std::size_t farthest = 16;
    const Steps& steps_;
    std::size_t next_ = 0;
};

std::size_t odd_ones(const Steps& steps) {
    return static_cast<std::size_t>(
        std::ranges::count_if(steps, [](const Step& step) { return step.value != 0; }));
}

bool is_simpler(const Steps& a, const Steps& b) {
    const auto order = [](const Steps& steps) { return std::pair{odd_ones(steps), steps.size()}; };
    if (order(a) != order(b)) return order(a) < order(b);
    return std::ranges::lexicographical_compare(a, b, {}, &Step::value, &Step::value);
}

class Shrinker {
public:
    Shrinker(const ExploreOptions& options, const Trial& trial)
        : options_{options}, trial_{trial} {}

    Shrunk operator()(std::vector<std::size_t> answers) {
        RecordedChoices source{answers};
        if (!fails(source)) return {std::move(answers), runs_}; // it fails now and then only
        best_ = std::move(tried_);
        for (bool better = true; better && !is_spent();) {
            better = without_parts();
            better |= with_plain_parts();
            better |= with_smaller_answers();
        }
        std::vector<std::size_t> simplest;
        std::ranges::transform(best_, std::back_inserter(simplest), &Step::value);
        return {std::move(simplest), runs_};
    }

private:
    bool is_spent() const { return runs_ >= options_.shrinking_runs; }

    // On failure what was really asked and answered is in tried_, without the plain end.
    bool fails(Choices& source) {
        ++runs_;
        Trail trail{source, options_.choices_in_a_run, Trail::Names::keep};
        try {
            trial_(trail);
            return false;
        } catch (...) { // whatever it is, it is a failure
            tried_.clear();
            for (std::size_t step = 0; step < trail.answers().size(); ++step)
                tried_.push_back({trail.names()[step], trail.answers()[step].value});
            while (!tried_.empty() && tried_.back().value == 0) tried_.pop_back();
            return true;
        }
    }

    bool accept(const Steps& candidate) {
        if (is_spent()) return false;
        AlignedChoices source{candidate};
        if (!fails(source) || !is_simpler(tried_, best_)) return false;
        best_ = std::move(tried_);
        return true;
    }

    // From the end, in ever smaller parts: what comes late depends on the rest.
    template <class Change> bool in_parts(std::size_t largest, Change change) {
        bool better = false;
        for (std::size_t size = largest; size > 0 && !is_spent(); size /= 2)
            for (std::size_t end = best_.size(); end > 0 && !is_spent();) {
                end = std::min(end, best_.size());
                const std::size_t begin = end - std::min(size, end);
                Steps candidate = best_;
                if (change(candidate, begin, end) && accept(candidate)) better = true;
                end = begin;
            }
        return better;
    }

    bool with_plain_parts() {
        return in_parts(best_.size(), [](Steps& steps, std::size_t begin, std::size_t end) {
            bool changed = false;
            for (; begin < end; ++begin)
                changed |= std::exchange(steps[begin].value, std::size_t{0}) != 0;
            return changed;
        });
    }

    bool without_parts() {
        return in_parts(best_.size() / 2, [](Steps& steps, std::size_t begin, std::size_t end) {
            steps.erase(steps.begin() + static_cast<std::ptrdiff_t>(begin),
                        steps.begin() + static_cast<std::ptrdiff_t>(end));
            return true;
        });
    }

    bool with_smaller_answers() {
        bool better = false;
        for (std::size_t step = 0; step < best_.size() && !is_spent(); ++step)
            while (with(step, [](std::size_t value) { return value / 2; }) ||
                   with(step, [](std::size_t value) { return value - 1; }))
                better = true;
        return better;
    }

    template <class Less> bool with(std::size_t step, Less less) {
        if (step >= best_.size() || best_[step].value < 2) return false; // plain was tried
        Steps candidate = best_;
        candidate[step].value = less(candidate[step].value);
        return accept(candidate);
    }

    const ExploreOptions& options_;
    const Trial& trial_;
    std::size_t runs_ = 0;
    Steps best_;
    Steps tried_;
};

} // namespace

Shrunk shrink(const ExploreOptions& options, const Trial& trial, std::vector<std::size_t> answers) {
    return Shrinker{options, trial}(std::move(answers));
}

} // namespace pollux
