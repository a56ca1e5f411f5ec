#pragma once

#include <string>
#include <string_view>

namespace pollux {

/// The number of a network interface, for `Socket::join_group` and its kin; if_nametoindex(3).
/// Throws `std::system_error` with the name: `if_nametoindex eth9: No such device`.
unsigned interface_number(std::string_view name);

/// Its name, or the number as text when there is no such interface (any more); if_indextoname(3).
std::string interface_name(unsigned number);

} // namespace pollux
