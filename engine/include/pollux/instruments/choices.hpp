#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <string_view>

// Instruments of the library `pollux_hooked` alone: a program that uses them and links `pollux`
// does not link.

namespace pollux {

/// Whoever decides what may go one way or another: which client is heard first, how many bytes a
/// read gives. A program that asks for all of this, and nothing else that varies, does the same
/// again when it gets the same answers.
class Choices {
public:
    Choices() = default;
    Choices(const Choices&) = delete;
    Choices& operator=(const Choices&) = delete;
    virtual ~Choices() = default;

    /// A number below `options`, which is at least 1. 0 is the plain case: nothing out of the
    /// ordinary happens. `what` names the question in stories ("bytes that arrive").
    /// It must not throw: a simulation asks in the middle of system calls.
    virtual std::size_t choose(std::string_view what, std::size_t options) = 0;
};

/// How much of `size`, which is at least 1: all in the plain case. Of few anything from 1 on; of
/// many just one, half, or all but one, so that a question about a megabyte has few answers.
std::size_t choose_part(Choices& choices, std::string_view what, std::size_t size);

/// Chooses at random, the same for the same seed on every machine. How often the plain case is
/// taken is itself drawn from the seed, from rarely to nearly always: a fault shows itself now when
/// everything is out of order, now when only one thing is.
class SeededChoices final : public Choices {
public:
    explicit SeededChoices(std::uint64_t seed);
    std::size_t choose(std::string_view what, std::size_t options) override;

private:
    std::mt19937_64 random_;
    std::uint64_t odd_in_64_; // so many of 64 choices are any, the others plain
};

} // namespace pollux
