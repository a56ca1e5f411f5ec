#include <pollux/reactor.hpp>

#include <array>
#include <stdexcept>
#include <utility>

namespace pollux {
namespace {

template <class Flags, std::size_t count>
std::string join(Flags set, const std::array<std::pair<Flags, std::string_view>, count>& names) {
    std::string text;
    for (const auto& [flag, name] : names) {
        if (!has(set, flag)) continue;
        if (!text.empty()) text += '|';
        text += name;
    }
    return text.empty() ? "none" : text;
}

} // namespace

std::string_view to_string(Trigger trigger) noexcept {
    switch (trigger) {
    case Trigger::level:
        return "level";
    case Trigger::edge:
        return "edge";
    case Trigger::one_shot:
        return "one-shot";
    case Trigger::exclusive:
        return "exclusive";
    }
    return "?";
}

Trigger parse_trigger(std::string_view name) {
    using enum Trigger;
    for (const Trigger trigger : {level, edge, one_shot})
        if (to_string(trigger) == name) return trigger;
    throw std::invalid_argument{"unknown trigger '" + std::string{name} +
                                "': choose level, edge or one-shot"};
}

std::string to_string(Interest interest) {
    using enum Interest;
    static constexpr std::array<std::pair<Interest, std::string_view>, 3> names{
        {{read, "read"}, {write, "write"}, {urgent, "urgent"}}};
    return join(interest, names);
}

std::string to_string(Readiness ready) {
    using enum Readiness;
    static constexpr std::array<std::pair<Readiness, std::string_view>, 6> names{
        {{readable, "readable"},
         {writable, "writable"},
         {urgent, "urgent"},
         {peer_closed, "peer_closed"},
         {hang_up, "hang_up"},
         {error, "error"}}};
    return join(ready, names);
}

} // namespace pollux
