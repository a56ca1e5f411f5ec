#pragma once

#include <pollux/fd.hpp>
#include <pollux/net/address.hpp>
#include <vector>

namespace pollux_test {

/// An echo server on bare system calls, in steps that never block.
class PlainServer {
public:
    /// Listens there; port 0 is a free one.
    explicit PlainServer(const pollux::Address& at);

    /// Where it listens.
    const pollux::Address& address() const noexcept { return address_; }
    /// Accepts, answers, and closes what it can.
    void step();

private:
    pollux::Fd listening_;
    pollux::Address address_;
    std::vector<pollux::Fd> clients_;
};

} // namespace pollux_test
