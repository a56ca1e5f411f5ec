#pragma once

#include <pollux/bytes.hpp>
#include <pollux/net/address.hpp>

namespace pollux {

/// What a session speaks through: each way of serving has its own.
class SessionLink {
public:
    SessionLink() noexcept = default;
    virtual ~SessionLink() = default;
    SessionLink(const SessionLink&) = delete;
    SessionLink& operator=(const SessionLink&) = delete;

    virtual bool send(ByteView bytes) = 0;
    virtual void close() = 0;
    virtual Address peer() const = 0;
};

} // namespace pollux
