#pragma once

#include <string>

namespace pollux {

/// The names that the man pages give: `AF_INET`, `SOCK_STREAM`, `IPPROTO_TCP`. A number without a
/// name here reads as the number. Flags within `type` (SOCK_NONBLOCK, SOCK_CLOEXEC) are left out.
std::string family_name(int family);
std::string type_name(int type);

/// What a protocol number means depends on the family: an IP protocol for AF_INET and AF_INET6,
/// an Ethernet type for AF_PACKET (in network byte order, written as `0x0800`), else a number.
std::string protocol_name(int family, int protocol);

} // namespace pollux
