#pragma once

#include <vector>

#include "pattern.hpp"
#include "protocol.hpp"

namespace load {

/// Messages that come back, and each byte is looked at.
class EchoedMessages : public Protocol {
public:
    explicit EchoedMessages(const Options& options);

    std::size_t request_size() const noexcept override { return size_; }
    std::span<const char> request_from(std::uint64_t position) const noexcept override;
    void restart(std::size_t index) override { answered_[index] = 0; }
    Answers take(std::size_t index, std::uint64_t sent, std::span<const char> bytes) override;

private:
    std::size_t size_;
    Pattern pattern_;
    std::vector<std::uint64_t> answered_; // bytes
};

/// Messages that are answered by a number of bytes, which are counted and not looked at: what a
/// server fills its answers with is its own affair.
class CountedAnswers : public Protocol {
public:
    explicit CountedAnswers(const Options& options);

    std::size_t request_size() const noexcept override { return size_; }
    std::span<const char> request_from(std::uint64_t position) const noexcept override;
    void restart(std::size_t index) override { answered_[index] = 0; }
    Answers take(std::size_t index, std::uint64_t sent, std::span<const char> bytes) override;

private:
    std::size_t size_;
    std::uint64_t answer_;
    Pattern pattern_{false};
    std::vector<std::uint64_t> answered_; // bytes
};

} // namespace load
