#pragma once

#include <cstdint>
#include <pollux/watch.hpp>
#include <source_location>

namespace pollux {

/// A watch, as the loop keeps it.
struct WatchSlot {
    ReadyFunction on_ready;
    int fd = -1;
    std::uint32_t generation = 1;      // token 0 names nobody
    std::uint32_t index = 0;           // for the slab
    Readiness mask = Readiness::none;  // what is passed on at once
    Readiness again = Readiness::none; // what the ready list brings
    Interest interest : 3 = Interest::read;
    Interest told : 3 = Interest::read; // to the reactor, while registered
    Trigger trigger : 2 = Trigger::level;
    bool changed : 1 = false;      // on the list of those that differ from what was told
    bool registered : 1 = false;   // with the reactor
    bool always_ready : 1 = false; // the kernel cannot wait for it: a regular file
    bool paused : 1 = false;
    bool queued : 1 = false; // on the ready list
    bool doomed : 1 = false; // given up in its own callback: freed when that returns
#ifndef NDEBUG
    std::source_location where;
#endif
};
#ifdef NDEBUG
static_assert(sizeof(WatchSlot) == 40);
#endif

/// A token is the place of a slot in the slab, in the low half, and its generation.
inline std::uint32_t place_of(Token token) noexcept {
    return static_cast<std::uint32_t>(static_cast<std::uint64_t>(token));
}
inline std::uint32_t generation_of(Token token) noexcept {
    return static_cast<std::uint32_t>(static_cast<std::uint64_t>(token) >> 32);
}
inline Token to_token(std::uint32_t place, std::uint32_t generation) noexcept {
    return static_cast<Token>(std::uint64_t{generation} << 32 | place);
}

} // namespace pollux
