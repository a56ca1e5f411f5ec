#include <pollux/net/interface.hpp>

#include <array>
#include <cerrno>
#include <net/if.h>
#include <pollux/error.hpp>

#include "sys.hpp"

namespace pollux {

unsigned interface_number(std::string_view name) {
    const std::string text{name};
    // The call stops at a zero byte: a text with one is not what it seems.
    if (text.find('\0') != text.npos) throw_system_error(ENODEV, "if_nametoindex", name);
    const unsigned number = sys::if_nametoindex(text.c_str());
    if (number == 0) throw_system_error(errno, "if_nametoindex", name);
    return number;
}

std::string interface_name(unsigned number) {
    std::array<char, IF_NAMESIZE> name{};
    if (sys::if_indextoname(number, name.data()) == nullptr) return std::to_string(number);
    return name.data();
}

} // namespace pollux
