#pragma once

#include <string>
#include <vector>

#include "pattern.hpp"
#include "protocol.hpp"

namespace load {

/// Messages of one size, one after the other.
class Messages : public Protocol {
public:
    std::size_t request_size() const noexcept override { return size_; }
    std::span<const char> request_from(std::uint64_t position) const noexcept override {
        return {pattern_.at(position), Pattern::longest};
    }
    void restart(std::size_t index) override { answered_[index] = 0; }

protected:
    Messages(const Options& options, bool upper);

    std::string part(std::size_t index, std::uint64_t answer) const;

    std::size_t size_;
    Pattern pattern_;
    std::vector<std::uint64_t> answered_; ///< Bytes of each connection.
};

/// Messages that come back, and each byte is looked at.
class EchoedMessages : public Messages {
public:
    explicit EchoedMessages(const Options& options);

    Answers take(std::size_t index, std::uint64_t sent, std::span<const char> bytes) override;
    std::string so_far(std::size_t index) const override { return part(index, size_); }
};

/// Messages that are answered by a number of bytes, which are counted and not looked at: what a
/// server fills its answers with is its own affair.
class CountedAnswers : public Messages {
public:
    explicit CountedAnswers(const Options& options);

    Answers take(std::size_t index, std::uint64_t sent, std::span<const char> bytes) override;
    std::string so_far(std::size_t index) const override { return part(index, answer_); }

private:
    std::uint64_t answer_;
};

} // namespace load
