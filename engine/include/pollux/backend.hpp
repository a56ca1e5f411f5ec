#pragma once

#include <memory>
#include <pollux/reactor.hpp>
#include <string_view>

namespace pollux {

/// The kernel facility behind a `Reactor`.
enum class Backend : std::uint8_t { select, poll, epoll };

/// A reactor on that facility. Throws `std::system_error` when the kernel refuses (EMFILE …).
std::unique_ptr<Reactor> make_reactor(Backend backend);

/// The backend that the environment variable POLLUX_BACKEND names, else epoll. Throws
/// `std::invalid_argument` when the variable holds another word.
Backend default_backend();

/// "select", "poll", "epoll".
std::string_view to_string(Backend backend) noexcept;
/// The backend of that name. Throws `std::invalid_argument` that lists the names.
Backend parse_backend(std::string_view name);

} // namespace pollux
