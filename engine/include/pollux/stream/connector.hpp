#pragma once

#include <memory>
#include <pollux/event_loop.hpp>
#include <pollux/net/address.hpp>
#include <pollux/net/socket.hpp>
#include <system_error>

namespace pollux {

/// Connects to one address without blocking, for as long as this object lives. Destroying it gives
/// up, and nothing is called.
class Connector {
public:
    /// Called exactly once, in a later turn: with a connected socket and no error, or with an
    /// empty socket and why (ECONNREFUSED, ENOENT, ETIMEDOUT for the deadline …). It may destroy
    /// the connector.
    using Completion = UniqueFunction<void(Socket, std::error_code)>;

    /// Begins. A Unix listener whose queue is full is tried again until the deadline: nothing tells
    /// when there is room. A socket connected to itself, which TCP allows on a port of one's own
    /// range where nobody listens, counts as refused.
    Connector(EventLoop& loop, const Address& address, Clock::duration timeout, Completion on_done);
    ~Connector();
    Connector(Connector&&) noexcept;
    Connector& operator=(Connector&&) noexcept;

private:
    struct Attempt;
    std::unique_ptr<Attempt> attempt_;
};

} // namespace pollux
