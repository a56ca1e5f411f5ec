#include "shrink.hpp"
#include "trail.hpp"

#include <algorithm>
#include <exception>
#include <pollux/instruments/explore.hpp>
#include <pollux/instruments/recorded_choices.hpp>
#include <sstream>
#include <stdexcept>
#include <utility>

namespace pollux {
namespace {

std::string text_of(const std::exception_ptr& failure) {
    try {
        std::rethrow_exception(failure);
    } catch (const std::exception& error) {
        return error.what();
    } catch (...) {
        return "an exception that is no std::exception";
    }
}

std::exception_ptr failure_of(const Trial& trial, Choices& choices) {
    try {
        trial(choices);
        return nullptr;
    } catch (...) {
        return std::current_exception();
    }
}

class Explorer {
public:
    Explorer(const ExploreOptions& options, const Trial& trial)
        : options_{options}, trial_{trial} {}

    Exploration operator()() {
        depth_first();
        if (!found_.all && !found_.failure) at_random();
        return std::move(found_);
    }

private:
    void depth_first() {
        std::vector<Trail::Answer> prefix;
        while (found_.runs < options_.exhaustive_runs && !found_.failure) {
            std::vector<std::size_t> answers;
            std::ranges::transform(prefix, std::back_inserter(answers), &Trail::Answer::value);
            RecordedChoices source{std::move(answers)};
            Trail trail{source, options_.choices_in_a_run};
            run(trail);
            if (!found_.failure) same_questions(prefix, trail.answers());
            prefix = trail.answers();
            if (!advance(prefix)) {
                found_.all = !found_.failure;
                return;
            }
        }
    }

    // The next answers in depth-first order: the last question that has a further answer gets it.
    bool advance(std::vector<Trail::Answer>& answers) const {
        auto odd = static_cast<std::size_t>(std::ranges::count_if(
            answers, [](const Trail::Answer& answer) { return answer.value != 0; }));
        for (; !answers.empty(); answers.pop_back()) {
            Trail::Answer& last = answers.back();
            if (last.value != 0) --odd;
            if (last.value + 1 == last.options || odd >= options_.departures) continue;
            ++last.value;
            return true;
        }
        return false;
    }

    static void same_questions(const std::vector<Trail::Answer>& before,
                               const std::vector<Trail::Answer>& now) {
        const auto same = [](const Trail::Answer& a, const Trail::Answer& b) {
            return a.options == b.options;
        };
        const auto [differs, other] = std::ranges::mismatch(before, now, same);
        if (differs == before.end()) return;
        const std::string options =
            other == now.end() ? "is not asked" : "has " + std::to_string(other->options);
        throw std::logic_error{"the trial depends on something it did not ask for: question " +
                               std::to_string(differs - before.begin()) + " had " +
                               std::to_string(differs->options) + " options and now " + options};
    }

    void at_random() {
        for (std::size_t run_number = 0; run_number < options_.random_runs && !found_.failure;
             ++run_number) {
            const std::uint64_t seed = options_.seed + run_number;
            SeededChoices source{seed};
            Trail trail{source, options_.choices_in_a_run};
            run(trail);
            if (found_.failure) found_.failure->seed = seed;
        }
    }

    void run(Trail& trail) {
        ++found_.runs;
        const std::exception_ptr failure = failure_of(trial_, trail);
        found_.most_choices = std::max(found_.most_choices, trail.answers().size());
        if (failure) found_.failure = simplest(trail.values(), failure);
    }

    FailingRun simplest(std::vector<std::size_t> answers, const std::exception_ptr& failure) {
        Shrunk shrunk = shrink(options_, trial_, std::move(answers));
        found_.shrinking_runs = shrunk.runs;
        FailingRun result;
        result.choices = line_of(shrunk.answers);
        RecordedChoices source{std::move(shrunk.answers)};
        Trail trail{source, options_.choices_in_a_run, Trail::Names::keep};
        const std::exception_ptr again = failure_of(trial_, trail);
        result.what = again ? text_of(again) : text_of(failure) + " (only sometimes)";
        for (std::size_t step = 0; step < trail.answers().size(); ++step) {
            const auto [value, options] = trail.answers()[step];
            if (value == 0) continue;
            result.story += "choice " + std::to_string(step) + ": " + trail.names()[step] + ": " +
                            std::to_string(value) + " of 0 to " + std::to_string(options - 1) +
                            '\n';
        }
        return result;
    }

    const ExploreOptions& options_;
    const Trial& trial_;
    Exploration found_;
};

} // namespace

Exploration explore(const ExploreOptions& options, const Trial& trial) {
    return Explorer{options, trial}();
}

void replay(std::string_view choices, const Trial& trial) {
    RecordedChoices source{choices};
    trial(source);
}

std::string Exploration::report() const {
    std::ostringstream text;
    text << runs << (all ? " runs, all there are" : " runs") << ", up to " << most_choices
         << " choices in one";
    if (!failure) return std::move(text).str();
    text << ". The last failed";
    if (failure->seed) text << ", with seed " << *failure->seed;
    text << "; made simpler in " << shrinking_runs << " more:\n"
         << failure->what << "\nagain by replay(\"" << failure->choices << "\")\n"
         << failure->story;
    return std::move(text).str();
}

} // namespace pollux
