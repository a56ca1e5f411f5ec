#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <pollux/instruments/choices.hpp>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace pollux {

/// One run of what is tested. It asks for all that may vary and for nothing else, leaves nothing
/// behind for the next run, and fails by throwing.
using Trial = std::function<void(Choices&)>;

/// A failure that has more to tell than its message: what happened before it.
class TrialFailure : public std::runtime_error {
public:
    TrialFailure(const std::string& what, std::string story)
        : std::runtime_error{what}, story_{std::move(story)} {}
    const std::string& story() const noexcept { return story_; }

private:
    std::string story_;
};

/// How far to look.
struct ExploreOptions {
    /// First the plain run, then all runs with one choice that is not plain (a departure), then
    /// all with two …, until there are no others or so many were made.
    std::size_t exhaustive_runs = 10'000;
    /// None with more departures than these: few are enough for most faults.
    std::size_t departures = static_cast<std::size_t>(-1);
    /// Runs with `SeededChoices{seed}`, `seed + 1` …, when not all could be tried.
    std::size_t random_runs = 1000;
    std::uint64_t seed = 1;
    /// A failing run is made simpler with at most so many more.
    std::size_t shrinking_runs = 5000;
    /// After so many choices in a run the others are plain.
    std::size_t choices_in_a_run = 100'000;
};

/// The simplest failing run that was found.
struct FailingRun {
    std::string what;                  ///< What was thrown: what() of a std::exception.
    std::string choices;               ///< The line for `replay`.
    std::string story;                 ///< The choices that were not plain, one on a line, by name.
    std::optional<std::uint64_t> seed; ///< By which it was found, if at random.
};

/// What came of it.
struct Exploration {
    std::size_t runs = 0;         ///< Before the first failure, this one included.
    bool all = false;             ///< There are no others, but for those with more departures.
    std::size_t departures = 0;   ///< No run with so many departures or fewer was left out.
    std::size_t most_choices = 0; ///< In one run; those with one option not counted.
    std::size_t shrinking_runs = 0;
    std::optional<FailingRun> failure;

    /// For people: what was tried, and if it failed, how and by which line it can be replayed.
    std::string report() const;
};

/// Runs a trial again and again, each time with other choices, until it fails or enough was
/// tried: first all, in the order of their departures, as far as the options allow; then at random.
/// Of a failing run choices are left out or made plain, as long as it still fails (with whatever
/// exception); so a script that is made by choices ("one more step?", "which?") loses the steps
/// that do not matter. Throws `std::logic_error` when a run with the same answers asks
/// something else than before: then it depends on something that it did not ask for, and nothing
/// found could be replayed.
Exploration explore(const ExploreOptions& options, const Trial& trial);

/// One run, with the choices of a line that `explore` printed. Throws what the trial throws, and
/// as `RecordedChoices`.
void replay(std::string_view choices, const Trial& trial);

} // namespace pollux
