#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <netdb.h>
#include <string>

#include "fd.hpp"
#include "options.hpp"

namespace load {

/// Throws `Failure`: what, and what errno says.
[[noreturn]] void fail(const std::string& what);

/// How many connections one process can have: its hard limit of descriptors without what it needs
/// besides.
std::size_t most_connections();

/// Lets this process open as many descriptors as its hard limit says, and throws when that is not
/// enough for so many connections.
void make_room_for(std::size_t connections);

/// Makes connections to the server, without Nagle's delay. All of it throws `Failure`.
class Dialer {
public:
    explicit Dialer(const Options& options);

    /// A connected non-blocking socket; waits for it, `patience` at most.
    Fd dial() const;

    /// A non-blocking socket that is about to be connected: until then it is not ready.
    Fd begin() const;

    /// So many that are connected, one after the other. The exception says how many are open.
    void dial_all(std::size_t count, const std::function<void(Fd)>& take) const;

    /// From now on from this address; of IPv4 and the loopback only.
    void from_loopback(unsigned host);

    const addrinfo& address() const noexcept { return *address_; }

private:
    struct Free {
        void operator()(addrinfo* address) const noexcept { freeaddrinfo(address); }
    };

    Fd socket_for(int flags) const;

    const Options& options_;
    std::unique_ptr<addrinfo, Free> address_;
    unsigned source_ = 0;
};

} // namespace load
