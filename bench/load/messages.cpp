#include "messages.hpp"

#include <algorithm>
#include <cstring>
#include <string>

namespace load {

Messages::Messages(const Options& options, bool upper)
    : size_(options.size), pattern_(upper), answered_(options.connections) {}

std::string Messages::part(std::size_t index, std::uint64_t answer) const {
    return std::to_string(answered_[index] % answer) + " of " + std::to_string(answer) + " bytes";
}

EchoedMessages::EchoedMessages(const Options& options)
    : Messages(options, options.mode == Options::Mode::upper) {}

Answers EchoedMessages::take(std::size_t index, std::uint64_t sent, std::span<const char> bytes) {
    std::uint64_t& answered = answered_[index];
    const char* const expected = pattern_.answer_at(answered);
    if (answered + bytes.size() > sent || std::memcmp(bytes.data(), expected, bytes.size()) != 0) {
        const auto same = static_cast<std::uint64_t>(
            std::mismatch(bytes.begin(), bytes.end(), expected).first - bytes.begin());
        throw Failure{"byte " + std::to_string(answered + same) +
                      " is not the one that must come back"};
    }
    const std::uint64_t before = answered / size_;
    answered += bytes.size();
    return {.complete = answered / size_ - before};
}

CountedAnswers::CountedAnswers(const Options& options)
    : Messages(options, false), answer_(options.answer) {}

Answers CountedAnswers::take(std::size_t index, std::uint64_t sent, std::span<const char> bytes) {
    std::uint64_t& answered = answered_[index];
    const std::uint64_t before = answered / answer_;
    answered += bytes.size();
    if (answered > sent / size_ * answer_)
        throw Failure{"more than " + std::to_string(answer_) + " bytes came for a request"};
    return {.complete = answered / answer_ - before};
}

} // namespace load
