#include <pollux/error.hpp>

#include <cerrno>
#include <string>

namespace pollux {

void throw_system_error(int error, std::string_view call, std::string_view object) {
    std::string what{call};
    if (!object.empty()) what.append(" ").append(object);
    throw std::system_error{error, std::generic_category(), what};
}

int check(int result, std::string_view call, std::string_view object) {
    if (result < 0) throw_system_error(errno, call, object);
    return result;
}

} // namespace pollux
