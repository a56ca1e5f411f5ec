#pragma once

#include <cstdint>
#include <memory>
#include <pollux/event_loop.hpp>
#include <pollux/net/socket.hpp>
#include <system_error>

namespace pollux {

/// How a relay works.
struct RelayOptions {
    Trigger trigger = Trigger::level;
    /// It ends when nothing moved in either direction for so long.
    Clock::duration idle_timeout = Clock::duration::max();
};

/// Why a relay is over.
enum class RelayEnd : std::uint8_t {
    both_ended, ///< Both peers ended their sides, and each has got all that the other sent.
    error,      ///< A call failed: see `RelayResult::error`.
    idle,       ///< Nothing moved for the idle timeout.
};

struct RelayResult {
    std::uint64_t from_one = 0;   ///< Bytes that came from `one` and went to `other`.
    std::uint64_t from_other = 0; ///< Bytes that came from `other` and went to `one`.
    RelayEnd end = RelayEnd::both_ended;
    int error = 0; ///< An errno value when `end` is `error`; else 0. A reset: ECONNRESET or EPIPE.

    std::error_code error_code() const noexcept { return {error, std::generic_category()}; }
};

/// Moves the bytes of two connected stream sockets from each to the other, for as long as it lives.
/// The bytes stay in the kernel: splice(2), through a pipe(7) for each direction.
///
/// A peer that does not read stops the reading from the other one: at most what a pipe holds waits
/// here. When a peer ends its side the other is told so, after all that was sent before, and its
/// answers still go back. A peer that has ended its side, and then goes away without a word, is
/// noticed when something is sent to it; `idle_timeout` bounds that.
///
/// An error on one side ends both: what was on its way is lost, and TCP peers are reset, so that
/// neither takes a part for the whole. The same when it idles.
///
/// The byte that TCP marks as urgent is left out, as for who reads without MSG_OOB, unless the
/// socket has `option::urgent_inline`.
class Relay {
public:
    /// Called exactly once, in a later turn, when both sockets are closed. It may destroy the
    /// relay.
    using Completion = UniqueFunction<void(const RelayResult&)>;

    /// Takes both sockets. Throws `std::system_error` and closes them when the kernel refuses the
    /// pipes (EMFILE, ENFILE) or the loop the sockets (`EventLoop::watch`). What splice(2) does not
    /// take ends it with EINVAL.
    Relay(EventLoop& loop, Socket one, Socket other, RelayOptions options, Completion on_done);
    /// Closes both sockets; nothing is called.
    ~Relay();
    Relay(Relay&&) noexcept;
    Relay& operator=(Relay&&) noexcept;

private:
    struct State;
    std::shared_ptr<State> state_;
};

} // namespace pollux
