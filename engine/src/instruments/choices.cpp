#include <pollux/instruments/choices.hpp>

#include <array>
#include <cassert>

namespace pollux {

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
