#pragma once

// To whom a test connects in vain.

#include <pollux/fd.hpp>
#include <pollux/net/address.hpp>

namespace pollux_test {

/// A port of 127.0.0.1 at which nobody listens; while it lives nobody else can.
class ClosedPort {
public:
    ClosedPort();

private:
    pollux::Fd bound_;

public:
    const pollux::Address address;
};

/// A TCP listener whose queue is full: who connects now stays in progress.
struct FullListener {
    FullListener();

    pollux::Fd listener;
    pollux::Fd client; ///< Who fills the queue.
    pollux::Address address;
};

} // namespace pollux_test
