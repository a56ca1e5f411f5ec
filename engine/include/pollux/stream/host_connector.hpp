#pragma once

#include <memory>
#include <pollux/event_loop.hpp>
#include <pollux/stream/connector.hpp>
#include <pollux/stream/resolver.hpp>
#include <string_view>

namespace pollux {

struct HostConnectorOptions {
    int family = AF_UNSPEC; ///< AF_INET or AF_INET6 alone, or both.
    /// How long an attempt has before the next one begins beside it. RFC 8305 asks for at least
    /// 100 ms, never less than 10.
    Clock::duration attempt_delay = std::chrono::milliseconds{250};
};

/// Connects to a host by name without blocking, for as long as this object lives: looks it up, and
/// tries its addresses until one connects. Destroying it gives up, and nothing is called.
///
/// The addresses are tried as by Happy Eyeballs (RFC 8305): the families take turns, beginning with
/// that of the resolver's first address; the next attempt begins at once when one fails, and after
/// a delay when it does not; the first to connect wins, and the others are given up. RFC 8305 also
/// asks for IPv6 and IPv4 addresses apart and begins with what is answered first: getaddrinfo(3)
/// answers both together, so here attempts begin when both are known.
class HostConnector {
public:
    /// Begins. `total_timeout` covers the look-up and all attempts. `on_done` is called exactly
    /// once, in a later turn, as for `Connector`; it may destroy this object. Its error is
    /// ETIMEDOUT for the time that is over, ENOMEM where memory is short, what `Resolver` gives
    /// when there are no addresses, and else that of the last attempt that failed; an attempt that
    /// never left this machine for want of a way (ENETUNREACH, EADDRNOTAVAIL, EAFNOSUPPORT) counts
    /// only when there is no other.
    HostConnector(EventLoop& loop, Resolver& resolver, std::string_view host,
                  std::string_view service, Clock::duration total_timeout,
                  const HostConnectorOptions& options, Connector::Completion on_done);
    ~HostConnector();
    HostConnector(HostConnector&&) noexcept;
    HostConnector& operator=(HostConnector&&) noexcept;

private:
    struct Race;
    std::unique_ptr<Race> race_;
};

} // namespace pollux
