#pragma once

#include <string_view>
#include <system_error>

namespace pollux {

/// Throws `std::system_error` whose text names the call, its object and the reason:
/// `bind 127.0.0.1:80: Permission denied`. `error` is an errno value.
[[noreturn]] void throw_system_error(int error, std::string_view call,
                                     std::string_view object = {});

/// Returns `result` unless it is negative; then throws as above with the calling thread's errno.
///
///     Fd epoll{check(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1")};
int check(int result, std::string_view call, std::string_view object = {});

} // namespace pollux
