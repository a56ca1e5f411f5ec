#include "backends.hpp"

#include <array>
#include <cerrno>
#include <cstdlib>
#include <pollux/backend.hpp>
#include <pollux/error.hpp>
#include <stdexcept>
#include <string>
#include <utility>

#include "sys.hpp"

namespace pollux {
namespace {

struct Facility {
    Backend backend;
    std::string_view name;
    std::unique_ptr<Reactor> (*make)();
};
constexpr std::array<Facility, 5> facilities{{
    {Backend::select, "select", make_select_reactor},
    {Backend::poll, "poll", make_poll_reactor},
    {Backend::epoll, "epoll", make_epoll_reactor},
    {Backend::adaptive, "adaptive", make_adaptive_reactor},
    {Backend::io_uring, "io_uring", make_io_uring_reactor},
}};

std::string described(int fd) { return "descriptor " + std::to_string(fd); }

} // namespace

std::unique_ptr<Reactor> make_reactor(Backend backend) {
    return facilities.at(static_cast<std::size_t>(backend)).make();
}

Backend default_backend() {
    const char* name = std::getenv("POLLUX_BACKEND");
    return name != nullptr && *name != '\0' ? parse_backend(name) : Backend::epoll;
}

std::string_view to_string(Backend backend) noexcept {
    const auto place = static_cast<std::size_t>(backend);
    return place < facilities.size() ? facilities[place].name : "?";
}

Backend parse_backend(std::string_view name) {
    for (const Facility& facility : facilities)
        if (facility.name == name) return facility.backend;
    throw std::invalid_argument{"unknown backend '" + std::string{name} +
                                "': choose select, poll, epoll, adaptive or io_uring"};
}

void require_open(int fd, std::string_view call) {
    if (sys::fcntl(fd, F_GETFD, 0) < 0) throw_system_error(errno, call, described(fd));
}

void require_level_or_one_shot(Trigger trigger, std::string_view call) {
    if (!is_level_or_one_shot(trigger))
        throw_system_error(ENOTSUP, call,
                           std::string{to_string(trigger)} + ": only epoll has this trigger");
}

void refuse_twice(std::string_view call, int fd) {
    throw_system_error(EEXIST, call, described(fd));
}

void refuse_unknown(std::string_view call, int fd) {
    throw_system_error(ENOENT, call, described(fd));
}

} // namespace pollux
