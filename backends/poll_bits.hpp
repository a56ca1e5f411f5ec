#pragma once

// poll(2) and epoll(7) report with the same bits. Their meaning is translated in one place.

#include <array>
#include <bit>
#include <cstdint>
#include <poll.h>
#include <pollux/reactor.hpp>

namespace pollux {

/// What to ask for. POLLRDHUP only with reading: who does not read would be told of it for ever.
constexpr std::uint32_t to_poll_bits(Interest interest) noexcept {
    std::uint32_t bits = 0;
    if (has(interest, Interest::read)) bits |= POLLIN | POLLRDHUP;
    if (has(interest, Interest::write)) bits |= POLLOUT;
    if (has(interest, Interest::urgent)) bits |= POLLPRI;
    return bits;
}

/// What was found, but for POLLRDHUP. Readable and writable as the kernel derives them for
/// select(2) (POLLIN_SET and POLLOUT_SET); a descriptor that is not open will not block either.
constexpr Readiness from_low_poll_bits(std::uint32_t bits) noexcept {
    Readiness ready = Readiness::none;
    if ((bits & (POLLIN | POLLHUP | POLLERR | POLLNVAL)) != 0) ready = ready | Readiness::readable;
    if ((bits & (POLLOUT | POLLERR | POLLNVAL)) != 0) ready = ready | Readiness::writable;
    if ((bits & POLLPRI) != 0) ready = ready | Readiness::urgent;
    if ((bits & POLLHUP) != 0) ready = ready | Readiness::hang_up;
    if ((bits & (POLLERR | POLLNVAL)) != 0) ready = ready | Readiness::error;
    return ready;
}

// All bits but POLLRDHUP are among the lowest six. One multiplication brings the seven side by side
// at the top of a word, where they are the place in a table made by the compiler: three
// instructions for an event where the tests above take twenty. Other bits are not asked for.
constexpr std::uint32_t place_of_poll_bits(std::uint32_t bits) noexcept {
    constexpr int top_bits = 25;
    return bits * (1U << top_bits | 1U << (top_bits + 6 - std::countr_zero(unsigned{POLLRDHUP}))) >>
           top_bits;
}
inline constexpr auto poll_bits_table = [] {
    std::array<Readiness, 128> table{};
    for (std::uint32_t low = 0; low < 64; ++low) {
        table[place_of_poll_bits(low)] = from_low_poll_bits(low);
        table[place_of_poll_bits(low | POLLRDHUP)] =
            from_low_poll_bits(low) | Readiness::peer_closed;
    }
    return table;
}();
static_assert((POLLIN | POLLPRI | POLLOUT | POLLERR | POLLHUP | POLLNVAL) < 64);

constexpr Readiness from_poll_bits(std::uint32_t bits) noexcept {
    return poll_bits_table[place_of_poll_bits(bits)];
}

} // namespace pollux
