// Answers of HTTP as the load generator reads them: the same however they are cut.

#include "fuzzing.hpp"
#include "load/http_answer.hpp"
#include "load/options.hpp"

namespace {

using load::HttpAnswer;
using pollux_test::must;

struct Story {
    std::vector<std::pair<int, std::size_t>> answers; // status, and how many bytes until its end
    bool closes = false;
    std::string refusal;
    bool operator==(const Story&) const = default;
};

Story read(const pollux_test::Pieces& pieces) {
    Story story;
    HttpAnswer answer;
    std::size_t taken = 0;
    try {
        for (const std::string_view piece : pieces) {
            // Elsewhere in memory, and nothing behind it.
            const std::vector<char> copy{piece.begin(), piece.end()};
            for (std::span<const char> rest{copy}; !rest.empty() && !story.closes;) {
                const std::size_t used = answer.take(rest);
                must(used > 0 && used <= rest.size(), "it takes of what is there");
                rest = rest.subspan(used);
                taken += used;
                if (!answer.complete()) continue;
                must(answer.status() >= 200 && answer.status() <= 999, "it is the last answer");
                story.answers.emplace_back(answer.status(), taken);
                story.closes = answer.closes();
                answer.restart();
                must(answer.untouched(), "the next one begins anew");
            }
        }
    } catch (const load::Failure& refusal) {
        story.refusal = refusal.what();
        must(!story.refusal.empty(), "a refusal says why");
    }
    return story;
}

void fuzz(std::string_view input) {
    const Story whole = read({input});
    for (const auto& pieces : pollux_test::ways_to_cut(input))
        must(read(pieces) == whole, "it is read the same however it is cut");
}

const pollux_test::FuzzTarget target{"http_answer", fuzz};

} // namespace
