// What a client of the login server says: found in the stream however it is cut, within the limit,
// and where a JSON parser finds the end of the object too.

#include "fuzzing.hpp"
#include "login/message.hpp"

#include <nlohmann/json.hpp>

namespace {

using pollux_test::must;
using pollux_test::no_more;

struct Story {
    std::vector<std::string> objects;
    bool refused = false;
    std::string left; // empty when refused
    bool operator==(const Story&) const = default;
};

Story read(const pollux_test::Pieces& pieces, std::size_t limit) {
    Story story;
    std::string left = pollux_test::offer(pieces, [&](std::string_view bytes) {
        const pollux::Taken taken = pollux::take_messages(
            demos::ObjectFraming{limit}, pollux::bytes_of(bytes), [&](pollux::ByteView object) {
                must(object.size() <= limit, "no object over the limit");
                story.objects.emplace_back(pollux::text_of(object));
                return true;
            });
        must(taken.refused || bytes.size() - taken.taken <= limit, "more is not waited for");
        story.refused = taken.refused;
        return taken.refused ? no_more : taken.taken;
    });
    if (!story.refused) story.left = std::move(left);
    return story;
}

void check_login(std::string_view text) {
    const auto login = demos::Login::parse(text);
    if (!login) return;
    must(text.find('\0') == text.npos, "a login is text throughout");
    const std::string json = login->to_json();
    const auto again = demos::Login::parse(json);
    must(again && again->name == login->name && again->password.text() == login->password.text(),
         "a login reads as it was written", json);
    const Story story = read({json}, json.size());
    must(story.objects == std::vector{json} && !story.refused, "and is found in a stream", json);
}

void check_end(std::string_view input) {
    // Its parser skips a byte order mark, and takes a zero byte for the end.
    if (input.starts_with('\xEF') || input.find('\0') != input.npos) return;
    const auto whole = nlohmann::json::parse(input, nullptr, false);
    if (!whole.is_object()) return;
    const Story story = read({input}, input.size());
    must(story.objects.size() == 1 && !story.refused, "an object of JSON is one message");
    must(nlohmann::json::parse(story.objects[0], nullptr, false) == whole, "and is all of it");
}

void fuzz(std::string_view input) {
    for (const std::size_t limit : {std::size_t{0}, std::size_t{40}, std::size_t{4096}}) {
        const Story whole = read({input}, limit);
        for (const auto& pieces : pollux_test::ways_to_cut(input))
            must(read(pieces, limit) == whole, "the same however it is cut");
        for (const std::string& object : whole.objects) check_login(object);
    }
    check_login(input);
    check_end(input);
}

const pollux_test::FuzzTarget target{"login_message", fuzz};

} // namespace
