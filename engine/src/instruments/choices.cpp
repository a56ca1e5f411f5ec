#include <pollux/instruments/choices.hpp>

#include <array>
#include <cassert>

namespace pollux {

std::size_t choose_part(Choices& choices, std::string_view what, std::size_t size) {
    assert(size > 0);
    static constexpr std::size_t few = 8;
    if (size <= few) {
        const std::size_t choice = choices.choose(what, size);
        return choice == 0 ? size : choice;
    }
    const std::array parts{size, std::size_t{1}, size / 2, size - 1};
    return parts.at(choices.choose(what, parts.size()));
}

// The distributions of <random> differ from library to library; the generator does not.
SeededChoices::SeededChoices(std::uint64_t seed) : random_{seed} {
    static constexpr std::array<std::uint64_t, 4> shares{64, 24, 8, 2};
    odd_in_64_ = shares.at(random_() % shares.size());
}

std::size_t SeededChoices::choose(std::string_view /*what*/, std::size_t options) {
    assert(options > 0);
    if (options == 1 || random_() % 64 >= odd_in_64_) return 0;
    return static_cast<std::size_t>(random_() % options);
}

} // namespace pollux
