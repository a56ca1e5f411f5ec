#include <pollux/net/socket_options.hpp>

#include <cerrno>
#include <climits>
#include <cstring>
#include <pollux/error.hpp>
#include <pollux/net/socket.hpp>
#include <sys/time.h>

#include "sys.hpp"

namespace pollux {
namespace {

// How each type of value crosses to the kernel and back.
constexpr bool fits(std::int64_t value) noexcept { return value >= 0 && value <= INT_MAX; }
struct ToKernel {
    std::string_view option;

    int operator()(bool value) const noexcept { return value ? 1 : 0; }
    int operator()(int value) const noexcept { return value; }
    template <class Period>
    int operator()(std::chrono::duration<std::int64_t, Period> value) const {
        if (!fits(value.count())) throw_system_error(EINVAL, "setsockopt", option);
        return static_cast<int>(value.count());
    }
    timeval operator()(std::chrono::microseconds value) const {
        if (value.count() < 0) throw_system_error(EINVAL, "setsockopt", option);
        const auto seconds = std::chrono::floor<std::chrono::seconds>(value);
        return {.tv_sec = seconds.count(), .tv_usec = (value - seconds).count()};
    }
    tcp_info operator()(const tcp_info& value) const noexcept { return value; }
    ucred operator()(const ucred& value) const noexcept { return value; }
    ::linger operator()(const Linger& value) const {
        return {.l_onoff = value ? 1 : 0, .l_linger = value ? operator()(*value) : 0};
    }
};
template <class Value> Value from_kernel(int value) noexcept { return static_cast<Value>(value); }
template <class Value> Value from_kernel(const ::linger& value) noexcept {
    if (value.l_onoff == 0) return std::nullopt;
    return std::chrono::seconds{value.l_linger};
}
template <class Value> Value from_kernel(const timeval& value) noexcept {
    return std::chrono::seconds{value.tv_sec} + std::chrono::microseconds{value.tv_usec};
}
template <class Value>
Value from_kernel(const Value& value) noexcept
    requires std::is_class_v<Value>
{
    return value;
}

std::string called(int level, int name, std::string_view text) {
    if (!text.empty()) return std::string{text};
    return "level " + std::to_string(level) + " name " + std::to_string(name);
}

void change_membership(Socket& socket, int name, std::string_view text, const Address& group,
                       unsigned interface) {
    group_req request{};
    request.gr_interface = interface;
    std::memcpy(&request.gr_group, group.data(), group.size());
    const int level = group.family() == AF_INET6 ? IPPROTO_IPV6 : IPPROTO_IP;
    socket.set_bytes(level, name, std::as_bytes(std::span{&request, 1}),
                     std::string{text} + " " + group.to_string());
}

} // namespace

template <class Value>
void Socket::set(const SocketOption<Value>& option, const std::type_identity_t<Value>& value) {
    const auto raw = ToKernel{option.text}(value);
    check(sys::setsockopt(fd(), option.level, option.name, &raw, sizeof raw), "setsockopt",
          option.text);
}

template <class Value> Value Socket::get(const ReadOnlyOption<Value>& option) const {
    decltype(ToKernel{{}}(Value{})) raw{};
    socklen_t size = sizeof raw;
    check(sys::getsockopt(fd(), option.level, option.name, &raw, &size), "getsockopt", option.text);
    return from_kernel<Value>(raw);
}

#define POLLUX_READABLE_VALUE(Value)                                                               \
    template Value Socket::get<Value>(const ReadOnlyOption<Value>&) const;
#define POLLUX_OPTION_VALUE(Value)                                                                 \
    POLLUX_READABLE_VALUE(Value)                                                                   \
    template void Socket::set<Value>(const SocketOption<Value>&, const Value&);
POLLUX_OPTION_VALUE(bool)
POLLUX_OPTION_VALUE(int)
POLLUX_OPTION_VALUE(std::chrono::seconds)
POLLUX_OPTION_VALUE(std::chrono::milliseconds)
POLLUX_OPTION_VALUE(std::chrono::microseconds)
POLLUX_OPTION_VALUE(Linger)
POLLUX_READABLE_VALUE(tcp_info)
POLLUX_READABLE_VALUE(ucred)
#undef POLLUX_OPTION_VALUE
#undef POLLUX_READABLE_VALUE

void Socket::set_bytes(int level, int name, ByteView value, std::string_view text) {
    if (sys::setsockopt(fd(), level, name, value.data(), static_cast<socklen_t>(value.size())) < 0)
        throw_system_error(errno, "setsockopt", called(level, name, text));
}

std::vector<std::byte> Socket::get_bytes(int level, int name, std::size_t room,
                                         std::string_view text) const {
    std::vector<std::byte> value(room);
    auto size = static_cast<socklen_t>(room);
    if (sys::getsockopt(fd(), level, name, value.data(), &size) < 0)
        throw_system_error(errno, "getsockopt", called(level, name, text));
    value.resize(size);
    return value;
}

void Socket::join_group(const Address& group, unsigned interface) {
    change_membership(*this, MCAST_JOIN_GROUP, "MCAST_JOIN_GROUP", group, interface);
}

void Socket::leave_group(const Address& group, unsigned interface) {
    change_membership(*this, MCAST_LEAVE_GROUP, "MCAST_LEAVE_GROUP", group, interface);
}

void Socket::set_multicast_interface(unsigned interface) {
    const auto number = static_cast<int>(interface);
    if (family() == AF_INET6) return set(option::v6_multicast_interface, number);
    ip_mreqn request{};
    request.imr_ifindex = number;
    set_bytes(IPPROTO_IP, IP_MULTICAST_IF, std::as_bytes(std::span{&request, 1}),
              "IP_MULTICAST_IF");
}

} // namespace pollux
