#pragma once

#include <pollux/net/socket.hpp>

#include "coro/descriptor_core.hpp"

namespace pollux::coro {

/// A descriptor that is a stream socket.
class StreamCore : public DescriptorCore {
public:
    explicit StreamCore(Socket connected) noexcept : socket{std::move(connected)} {}

    Socket socket;
    bool may_have_more = false; // the last read did not empty the kernel's buffer
    bool announced = false;     // an end, an error or urgent data, and not come to yet
};

} // namespace pollux::coro
