#include <pollux/busy_poll.hpp>

#include <cerrno>
#include <limits>
#include <pollux/error.hpp>
#include <string>

#include "sys.hpp"

namespace pollux {
namespace {

// As <linux/eventpoll.h> of Linux 6.9 declares it, which older headers do not have.
struct Parameters {
    std::uint32_t microseconds;
    std::uint16_t budget;
    std::uint8_t preferred;
    std::uint8_t padding; // must be zero
};
static_assert(sizeof(Parameters) == 8);
constexpr unsigned long set_parameters = _IOW(0x8A, 0x01, Parameters);
constexpr unsigned long get_parameters = _IOR(0x8A, 0x02, Parameters);

void ask(int epoll, unsigned long request, Parameters& parameters, const char* call) {
    if (epoll < 0) throw_system_error(ENOTSUP, call, "this backend has no epoll");
    if (sys::ioctl(epoll, request, &parameters) < 0)
        throw_system_error(errno, call, "descriptor " + std::to_string(epoll));
}

} // namespace

void set_busy_poll(int epoll, const BusyPoll& wanted) {
    constexpr const char* call = "ioctl EPIOCSPARAMS";
    const auto time = wanted.time.count();
    if (time < 0 || time > std::numeric_limits<std::int32_t>::max())
        throw_system_error(EINVAL, call, std::to_string(time) + " microseconds");
    Parameters parameters{.microseconds = static_cast<std::uint32_t>(time),
                          .budget = wanted.budget,
                          .preferred = wanted.preferred ? std::uint8_t{1} : std::uint8_t{0},
                          .padding = 0};
    ask(epoll, set_parameters, parameters, call);
}

BusyPoll busy_poll_of(int epoll) {
    Parameters parameters{};
    ask(epoll, get_parameters, parameters, "ioctl EPIOCGPARAMS");
    return {.time = std::chrono::microseconds{parameters.microseconds},
            .budget = parameters.budget,
            .preferred = parameters.preferred != 0};
}

} // namespace pollux
