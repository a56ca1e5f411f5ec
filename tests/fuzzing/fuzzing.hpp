#pragma once

// What fuzz targets share. A target is one file that says what must hold for whatever input; it is
// linked in two ways: with libFuzzer, which looks for inputs (fuzz_main.cpp), and all together into
// `fuzz_corpora`, which runs the inputs that are kept (replay_main.cpp).

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace pollux_test {

/// Registers a target by being there: one object at namespace scope in the target's file.
class FuzzTarget {
public:
    /// Returns when all is well, and ends the program (`must`, a sanitizer, an exception)
    /// when it is not. The same input does the same each time.
    using Run = void (*)(std::string_view input);
    FuzzTarget(std::string_view name, Run what) noexcept;

    std::string_view name() const noexcept { return name_; }
    /// Gives the target a copy of its own: one byte too far is outside.
    void run(std::string_view input) const;

    static const FuzzTarget* first() noexcept;
    const FuzzTarget* next() const noexcept { return next_; }

private:
    std::string_view name_;
    Run run_;
    const FuzzTarget* next_;
};

/// Says what was found on standard error, and aborts.
[[noreturn]] void broken(std::string_view rule, std::string_view detail);
inline void must(bool holds, std::string_view rule, std::string_view detail = {}) {
    if (!holds) broken(rule, detail);
}

/// Numbers that follow from the input, and differ wherever it does.
class Dice {
public:
    explicit Dice(std::string_view input) noexcept;
    /// 0 to `sides` - 1.
    std::size_t roll(std::size_t sides) noexcept;

private:
    std::uint64_t state_ = 0xcbf29ce484222325U;
};

/// Ways in which a stream may bring the input: whole, byte by byte, and in pieces that follow from
/// it.
using Pieces = std::vector<std::string_view>;
std::vector<Pieces> ways_to_cut(std::string_view input);

/// Offers pieces as a connection does: `take(bytes)` says how many it is done with, and the rest
/// comes again with the next piece behind it, elsewhere in memory and with nothing after it. It may
/// say `no_more`. Returns what was left.
inline constexpr auto no_more = static_cast<std::size_t>(-1);
template <class Take> std::string offer(const Pieces& pieces, Take take) {
    std::string kept;
    for (const std::string_view piece : pieces) {
        kept += piece;
        const std::vector<char> offered{kept.begin(), kept.end()};
        const std::size_t taken = take(std::string_view{offered.data(), offered.size()});
        if (taken == no_more) return kept;
        must(taken <= kept.size(), "no more is taken than was offered");
        kept.erase(0, taken);
    }
    return kept;
}

/// One line that commands no terminal: what a message to people has to be.
bool is_one_plain_line(std::string_view text) noexcept;

} // namespace pollux_test
