#include "fuzzing.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

namespace pollux_test {
namespace {

// Constant-initialized, so that it is there before the first target.
constinit const FuzzTarget* latest = nullptr;

} // namespace

FuzzTarget::FuzzTarget(std::string_view name, Run what) noexcept
    : name_{name}, run_{what}, next_{latest} {
    latest = this;
}

void FuzzTarget::run(std::string_view input) const {
    const std::vector<char> copy{input.begin(), input.end()};
    run_({copy.data(), copy.size()});
}

const FuzzTarget* FuzzTarget::first() noexcept { return latest; }

void broken(std::string_view rule, std::string_view detail) {
    std::fprintf(stderr, "does not hold: %.*s\n", static_cast<int>(rule.size()), rule.data());
    if (!detail.empty())
        std::fprintf(stderr, "%.*s\n", static_cast<int>(detail.size()), detail.data());
    std::abort();
}

// FNV-1a over the input, then a step of SplitMix64 for each number.
Dice::Dice(std::string_view input) noexcept {
    for (const char byte : input)
        state_ = (state_ ^ static_cast<unsigned char>(byte)) * 0x100000001b3U;
}

std::size_t Dice::roll(std::size_t sides) noexcept {
    state_ += 0x9e3779b97f4a7c15U;
    std::uint64_t mixed = state_;
    mixed = (mixed ^ mixed >> 30U) * 0xbf58476d1ce4e5b9U;
    mixed = (mixed ^ mixed >> 27U) * 0x94d049bb133111ebU;
    return static_cast<std::size_t>((mixed ^ mixed >> 31U) % sides);
}

std::vector<Pieces> ways_to_cut(std::string_view input) {
    Pieces bytes;
    for (std::size_t at = 0; at < input.size(); ++at) bytes.push_back(input.substr(at, 1));
    Pieces some;
    Dice dice{input};
    for (std::size_t at = 0; at < input.size(); at += some.back().size())
        some.push_back(input.substr(at, 1 + dice.roll(dice.roll(2) == 0 ? 4 : 64)));
    return {{input}, bytes, some};
}

bool is_one_plain_line(std::string_view text) noexcept {
    return !text.empty() && std::ranges::all_of(text, [](char byte) {
        return static_cast<unsigned char>(byte) >= 0x20 && byte != 0x7f;
    });
}

} // namespace pollux_test
