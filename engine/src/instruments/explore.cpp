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

struct Told {
    std::string what;
    std::string story{};
};

Told told_by(const std::exception_ptr& failure) {
    try {
        std::rethrow_exception(failure);
    } catch (const TrialFailure& error) {
        return {error.what(), error.story()};
    } catch (const std::exception& error) {
        return {error.what()};
    } catch (...) {
        return {"an exception that is no std::exception"};
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
        breadth_first();
        if (!found_.all && !found_.failure) at_random();
        return std::move(found_);
    }

private:
    // A run is known by its departures: that of a node, and those of its parents.
    struct Node {
        std::size_t parent;
        std::size_t question; // in the order in which they are asked
        std::size_t value;
        std::size_t options; // that the question had in the parent's run
        std::size_t level;   // how many departures
    };

    // Every run has one place in this tree, so none is made twice.
    void breadth_first() {
        if (options_.exhaustive_runs == 0) return;
        bool complete = true;
        std::vector<Node> nodes{{}};
        for (std::size_t node = 0; node < nodes.size(); ++node) {
            RecordedChoices source{answers_of(nodes, node)};
            Trail trail{source, options_.choices_in_a_run};
            run(trail);
            if (found_.failure) return;
            if (node != 0) same_question(nodes[node], trail);
            const std::size_t level = nodes[node].level;
            if (level == options_.departures) continue;
            const bool has_all = add_children(nodes, node, trail.answers()) && !trail.is_cut();
            if (!has_all && std::exchange(complete, false))
                found_.departures = level; // and those of that level are all among the nodes
        }
        found_.all = complete;
        if (complete) found_.departures = nodes.back().level;
    }

    static std::vector<std::size_t> answers_of(const std::vector<Node>& nodes, std::size_t node) {
        std::vector<std::size_t> answers(node == 0 ? 0 : nodes[node].question + 1);
        for (; node != 0; node = nodes[node].parent)
            answers[nodes[node].question] = nodes[node].value;
        return answers;
    }

    // False: there is no room for all.
    bool add_children(std::vector<Node>& nodes, std::size_t parent,
                      const std::vector<Trail::Answer>& asked) const {
        const std::size_t level = nodes[parent].level + 1;
        for (std::size_t question = parent == 0 ? 0 : nodes[parent].question + 1;
             question < asked.size(); ++question)
            for (std::size_t value = 1; value < asked[question].options; ++value) {
                if (nodes.size() >= options_.exhaustive_runs) return false;
                nodes.push_back({parent, question, value, asked[question].options, level});
            }
        return true;
    }

    static void same_question(const Node& node, const Trail& trail) {
        const bool is_asked = node.question < trail.answers().size();
        if (is_asked && trail.answers()[node.question].options == node.options) return;
        throw std::logic_error{
            "the trial depends on something it did not ask for: question " +
            std::to_string(node.question) + " had " + std::to_string(node.options) +
            " options and now " +
            (is_asked ? std::to_string(trail.answers()[node.question].options) : "is not asked")};
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
        auto [what, story] = told_by(again ? again : failure);
        result.what = again ? std::move(what) : what + " (only sometimes)";
        result.story = std::move(story);
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
    text << runs << " runs";
    if (all)
        text << ", all there are";
    else if (departures > 0)
        text << ", among them all with up to " << departures << " departures";
    text << "; up to " << most_choices << " choices in one";
    if (!failure) return std::move(text).str();
    text << ". The last failed";
    if (failure->seed) text << ", with seed " << *failure->seed;
    text << "; made simpler in " << shrinking_runs << " more:\n"
         << failure->what << "\nagain by replay(\"" << failure->choices << "\")\n"
         << failure->story;
    return std::move(text).str();
}

} // namespace pollux
