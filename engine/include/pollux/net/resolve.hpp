#pragma once

#include <cstdint>
#include <netdb.h>
#include <pollux/net/address.hpp>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace pollux {

/// The errors of names: the EAI_ codes of getaddrinfo(3), such as EAI_NONAME (there is no such
/// name), EAI_AGAIN (nobody answered, try later), EAI_SERVICE. Where the kernel refused
/// (EAI_SYSTEM) the error is an errno value of `std::generic_category()` instead.
const std::error_category& resolve_category() noexcept;

struct ResolveOptions {
    int family = AF_UNSPEC;    ///< AF_INET or AF_INET6 alone, or both.
    int type = SOCK_STREAM;    ///< SOCK_STREAM or SOCK_DGRAM: whose service names are meant.
    bool passive = false;      ///< An empty host means every address of this machine, to listen on.
    bool numeric_only = false; ///< Look nothing up: EAI_NONAME for a name.
};

/// The addresses of a host, in the order to try them (RFC 6724), each once; never none. Blocks for
/// as long as the system takes, which may be a minute: a loop uses `Resolver`. From any thread.
///
/// `host` is a name, a numeric address as for `Address::of` (`::1`, `[::1]`, `fe80::1%eth0`; for
/// IPv4 the old short forms of inet_aton(3) too), or empty: this machine. `service` is a port
/// number, a name (`http`), or empty: port 0. Not both may be empty (EAI_NONAME). A numeric address
/// is never looked up, nor is a text with a colon that is none.
///
/// Throws `std::system_error`: EINVAL when a text has other bytes than visible ASCII (a name of
/// another script is given in its `xn--` form), ENAMETOOLONG when one is longer than there are
/// names (254 and 31 bytes), and the errors of `resolve_category`.
std::vector<Address> resolve(std::string_view host, std::string_view service,
                             const ResolveOptions& options = {});

/// Whether `resolve` has something to look up, and so may block: false for a numeric or empty host
/// with a numeric or empty service, and for texts that it refuses.
bool needs_lookup(std::string_view host, std::string_view service);

/// The port of a service: 80 for `http`. A port number is taken as it is. Reads files
/// (services(5)). Throws as `resolve`; EAI_SERVICE when there is none of this name and type.
std::uint16_t service_port(std::string_view service, int type = SOCK_STREAM);

struct NameOptions {
    bool numeric_host = false;    ///< Do not look up the host.
    bool numeric_service = false; ///< Do not look up the service.
    int type = SOCK_STREAM;       ///< SOCK_DGRAM: the services of UDP.
};
struct HostAndService {
    std::string host;
    std::string service;
};
/// What an IPv4 or IPv6 address is called; what has no name is given in numbers. Blocks as
/// `resolve` unless the host is left numeric. The name is what the owner of the address chose to
/// say: do not trust it. Throws `std::system_error` of `resolve_category`, EAI_FAMILY for a Unix
/// address.
HostAndService name_of(const Address& address, const NameOptions& options = {});

} // namespace pollux
