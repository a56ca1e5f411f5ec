#pragma once

// poll(2) and epoll(7) report with the same bits. Their meaning is translated in one place.

#include <array>
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

// All bits but POLLRDHUP are among the lowest six, so the translation fits a table made by the
// compiler: a few instructions for an event where the tests above take twenty.
inline constexpr auto low_poll_bits = [] {
    std::array<Readiness, 64> table{};
    for (std::uint32_t bits = 0; bits < table.size(); ++bits)
        table[bits] = from_low_poll_bits(bits);
    return table;
}();
static_assert((POLLIN | POLLPRI | POLLOUT | POLLERR | POLLHUP | POLLNVAL) < low_poll_bits.size());
static_assert(POLLRDHUP >> 10 == static_cast<int>(Readiness::peer_closed));

constexpr Readiness from_poll_bits(std::uint32_t bits) noexcept {
    return low_poll_bits[bits % low_poll_bits.size()] |
           static_cast<Readiness>((bits & POLLRDHUP) >> 10);
}

} // namespace pollux
