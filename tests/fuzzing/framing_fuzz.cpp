// Framings against plain readers of the whole input that know nothing of pieces: the same messages
// however the input is cut, and never one over the limit.

#include "fuzzing.hpp"

#include <array>
#include <cstdint>
#include <cstring>
#include <limits>
#include <pollux/stream/framing.hpp>

namespace {

using pollux::ByteView;
using pollux_test::must;
using pollux_test::no_more;

struct Story {
    std::vector<std::string> messages;
    bool refused = false;
    std::string left; // empty when refused
    bool operator==(const Story&) const = default;
};

template <class Framing> Story read(const Framing& framing, const pollux_test::Pieces& pieces) {
    Story story;
    std::string left = pollux_test::offer(pieces, [&](std::string_view bytes) {
        const pollux::Taken taken =
            pollux::take_messages(framing, pollux::bytes_of(bytes), [&](ByteView message) {
                story.messages.emplace_back(pollux::text_of(message));
                return true;
            });
        story.refused = taken.refused;
        return taken.refused ? no_more : taken.taken;
    });
    if (!story.refused) story.left = std::move(left);
    return story;
}

Story lines(std::string_view input, std::size_t limit) {
    Story story;
    std::string line;
    for (const char byte : input) {
        if (byte == '\n') {
            story.messages.push_back(std::move(line));
            line.clear();
            continue;
        }
        line += byte;
        if (line.size() > limit) {
            story.refused = true;
            return story;
        }
    }
    story.left = line;
    return story;
}

Story with_lengths(std::string_view input, std::size_t limit) {
    Story story;
    while (input.size() >= 4) {
        std::int32_t length = 0;
        std::memcpy(&length, input.data(), 4); // a little-endian machine
        if (length < 0 || static_cast<std::size_t>(length) > limit) {
            story.refused = true;
            return story;
        }
        const auto size = static_cast<std::size_t>(length);
        if (input.size() < 4 + size) break;
        story.messages.emplace_back(input.substr(4, size));
        input.remove_prefix(4 + size);
    }
    story.left = input;
    return story;
}

Story of_size(std::string_view input, std::size_t size) {
    Story story;
    for (; input.size() >= size; input.remove_prefix(size))
        story.messages.emplace_back(input.substr(0, size));
    story.left = input;
    return story;
}

void check_round_trip(const Story& story) {
    std::string bytes;
    for (const std::string& message : story.messages) {
        std::array<std::byte, pollux::LengthFraming::head> head{};
        pollux::LengthFraming::put_length(static_cast<std::int32_t>(message.size()), head);
        bytes.append(pollux::text_of(head)).append(message);
    }
    const Story again = read(pollux::LengthFraming{bytes.size()}, {bytes});
    must(again.messages == story.messages && again.left.empty(), "framed messages come back");
}

void fuzz(std::string_view input) {
    constexpr std::size_t none = std::numeric_limits<std::size_t>::max();
    for (const auto& pieces : pollux_test::ways_to_cut(input)) {
        for (const std::size_t limit : {std::size_t{0}, std::size_t{1}, std::size_t{17}, none}) {
            must(read(pollux::LineFraming{limit}, pieces) == lines(input, limit), "lines");
            must(read(pollux::LengthFraming{limit}, pieces) == with_lengths(input, limit),
                 "messages behind their lengths");
        }
        for (const std::size_t size : {std::size_t{1}, std::size_t{5}, none})
            must(read(pollux::FixedFraming{size}, pieces) == of_size(input, size),
                 "messages of one size");
    }
    check_round_trip(lines(input, none));
}

const pollux_test::FuzzTarget target{"framing", fuzz};

} // namespace
