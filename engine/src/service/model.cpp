#include <pollux/service/model.hpp>

#include <array>
#include <stdexcept>
#include <string>

namespace pollux {
namespace {

constexpr std::array<std::string_view, 7> names{"iterative", "threads", "pool",     "fork",
                                                "reactor",   "multi",   "coroutine"};

} // namespace

std::string_view to_string(Model model) noexcept { return names[static_cast<std::size_t>(model)]; }

Model parse_model(std::string_view name) {
    std::string known;
    for (std::size_t place = 0; place < names.size(); ++place) {
        if (names[place] == name) return static_cast<Model>(place);
        known.append(place == 0 ? "" : ", ").append(names[place]);
    }
    throw std::invalid_argument{"unknown model '" + std::string{name} + "': it is one of " + known};
}

} // namespace pollux
