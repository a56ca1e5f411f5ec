#include <pollux/net/address.hpp>

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstring>
#include <netinet/in.h>
#include <netpacket/packet.h>
#include <pollux/net/interface.hpp>
#include <pollux/net/names.hpp>
#include <span>
#include <stdexcept>
#include <sys/un.h>

#include "sys.hpp"

namespace pollux {
namespace {

constexpr std::size_t path_offset = offsetof(sockaddr_un, sun_path);
constexpr std::size_t longest_path = sizeof(sockaddr_un::sun_path);
constexpr std::string_view unix_prefix = "unix:";
constexpr std::string_view hexadecimal = "0123456789abcdef";

// Whatever a name or a refused text holds, it stays on one line and commands no terminal.
std::string escaped(std::string_view text) {
    std::string result;
    for (const char byte : text) {
        const auto value = static_cast<unsigned char>(byte);
        if (byte == '\\')
            result += "\\\\";
        else if (value >= 0x20 && value < 0x7f)
            result += byte;
        else
            (result += "\\x").append({hexadecimal[value >> 4], hexadecimal[value & 15]});
    }
    return result;
}

[[noreturn]] void refuse(std::string_view text, std::string_view reason) {
    std::string what{"address \""};
    what.append(escaped(text)).append("\": ").append(reason);
    throw std::invalid_argument{what};
}

// All of the text as a number of the given base, or false.
template <class Number>
bool read_number(std::string_view text, Number& number, int base = 10) noexcept {
    const char* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, number, base);
    return error == std::errc{} && stop == end;
}

std::string unescaped(std::string_view text, std::string_view whole) {
    std::string result;
    while (!text.empty()) {
        std::size_t used = 1;
        char byte = text.front();
        if (byte == '\\') {
            unsigned char value = 0;
            if (text.starts_with(R"(\\)")) {
                used = 2;
            } else if (text.size() >= 4 && text[1] == 'x' &&
                       read_number(text.substr(2, 2), value, 16)) {
                used = 4;
                byte = static_cast<char>(value);
            } else {
                refuse(whole, R"(a backslash begins \\ or \x and two hexadecimal digits)");
            }
        }
        result += byte;
        text.remove_prefix(used);
    }
    return result;
}

std::uint16_t read_port(std::string_view text, std::string_view whole) {
    std::uint16_t port = 0;
    if (text.empty()) refuse(whole, "the port is missing");
    if (text.find_first_not_of("0123456789") != text.npos)
        refuse(whole, "the port is not a number");
    if (!read_number(text, port)) refuse(whole, "the port is not in 0 to 65535");
    return port;
}

// inet_pton and if_nametoindex stop at a zero byte: a text with one is not what it seems.
bool to_c_string(std::string_view text, std::span<char> buffer) noexcept {
    if (text.size() >= buffer.size() || text.find('\0') != text.npos) return false;
    *std::copy(text.begin(), text.end(), buffer.begin()) = '\0';
    return true;
}

std::uint32_t read_scope(std::string_view text, std::string_view whole) {
    std::uint32_t scope = 0;
    if (read_number(text, scope) && scope != 0) return scope;
    std::array<char, IF_NAMESIZE> name{};
    scope = to_c_string(text, name) ? sys::if_nametoindex(name.data()) : 0;
    if (scope == 0) refuse(whole, "the scope is not the name or the number of an interface");
    return scope;
}

sockaddr_in ipv4(in_addr host, std::uint16_t port) noexcept {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr = host;
    return address;
}

sockaddr_in6 ipv6(const in6_addr& host, std::uint16_t port, std::uint32_t scope = 0) noexcept {
    sockaddr_in6 address{};
    address.sin6_family = AF_INET6;
    address.sin6_port = htons(port);
    address.sin6_addr = host;
    address.sin6_scope_id = scope;
    return address;
}

sockaddr_in read_ipv4(std::string_view host, std::uint16_t port, std::string_view whole) {
    std::array<char, INET_ADDRSTRLEN> text{};
    in_addr address{};
    if (!to_c_string(host, text) || ::inet_pton(AF_INET, text.data(), &address) != 1)
        refuse(whole, "not a numeric address (names are not looked up)");
    return ipv4(address, port);
}

sockaddr_in6 read_ipv6(std::string_view host, std::uint16_t port, std::string_view whole) {
    const std::size_t percent = host.find('%');
    std::array<char, INET6_ADDRSTRLEN> text{};
    in6_addr address{};
    if (!to_c_string(host.substr(0, percent), text) ||
        ::inet_pton(AF_INET6, text.data(), &address) != 1)
        refuse(whole, "not a numeric IPv6 address");
    if (percent == host.npos) return ipv6(address, port);
    return ipv6(address, port, read_scope(host.substr(percent + 1), whole));
}

// A path shorter than its room ends in a zero; an abstract name begins with one, and its length
// alone says where it ends.
sockaddr_un unix_address(std::string_view bytes) noexcept {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::copy(bytes.begin(), bytes.end(), std::begin(address.sun_path));
    return address;
}

Address read_unix(std::string_view text) {
    const std::string_view rest = text.substr(unix_prefix.size());
    // A path that begins with @ writes it as \x40: what the escape gives is never the mark.
    if (rest.starts_with('@')) return Address::abstract(unescaped(rest.substr(1), text));
    return Address::unix_path(unescaped(rest, text));
}

template <class Kind> Kind copied(const sockaddr* address) noexcept {
    Kind result;
    std::memcpy(&result, address, sizeof result);
    return result;
}

std::string_view unix_bytes(const sockaddr* address, std::size_t size) noexcept {
    return {reinterpret_cast<const char*>(address) + path_offset, size - path_offset};
}

// The name of an interface may be a number, of another one, and it may hold what ends a scope or
// commands a terminal. A name that would not read back is left out.
std::string interface_text(std::uint32_t number) {
    std::string name = interface_name(number);
    const auto is_plain = [](char byte) {
        return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') ||
               (byte >= 'A' && byte <= 'Z') || byte == '-' || byte == '_' || byte == '.';
    };
    std::uint32_t other = 0;
    if (read_number(name, other) || !std::all_of(name.begin(), name.end(), is_plain))
        return std::to_string(number);
    return name;
}

std::string ipv6_text(const sockaddr_in6& address) {
    std::array<char, INET6_ADDRSTRLEN> host{};
    ::inet_ntop(AF_INET6, &address.sin6_addr, host.data(), host.size());
    std::string text = std::string{"["} + host.data();
    if (address.sin6_scope_id != 0) text.append("%").append(interface_text(address.sin6_scope_id));
    return text + "]:" + std::to_string(ntohs(address.sin6_port));
}

std::string ipv4_text(const sockaddr_in& address) {
    std::array<char, INET_ADDRSTRLEN> host{};
    ::inet_ntop(AF_INET, &address.sin_addr, host.data(), host.size());
    return std::string{host.data()} + ":" + std::to_string(ntohs(address.sin_port));
}

std::string packet_text(const sockaddr_ll& address) {
    std::string text = "packet:";
    text.append(interface_text(static_cast<unsigned>(address.sll_ifindex)))
        .append(" ")
        .append(protocol_name(AF_PACKET, address.sll_protocol));
    const std::size_t length = std::min<std::size_t>(address.sll_halen, sizeof address.sll_addr);
    for (std::size_t place = 0; place < length; ++place) {
        const unsigned byte = address.sll_addr[place];
        text += place == 0 ? ' ' : ':';
        text.append({hexadecimal[byte >> 4], hexadecimal[byte & 15]});
    }
    return text;
}

} // namespace

Address::Address(const void* address, std::size_t size) noexcept
    : size_{static_cast<socklen_t>(size)} {
    std::memcpy(&storage_, address, size);
}

Address Address::parse(std::string_view text) {
    if (text.starts_with(unix_prefix)) return read_unix(text);
    if (text.starts_with('[')) {
        const std::size_t bracket = text.find(']');
        if (bracket == text.npos) refuse(text, "the closing bracket is missing");
        const std::string_view rest = text.substr(bracket + 1);
        if (!rest.empty() && rest.front() != ':')
            refuse(text, "after the bracket comes a colon and the port");
        const std::uint16_t port = read_port(rest.substr(rest.empty() ? 0 : 1), text);
        const sockaddr_in6 address = read_ipv6(text.substr(1, bracket - 1), port, text);
        return {&address, sizeof address};
    }
    const std::size_t colon = text.rfind(':');
    if (colon == text.npos) refuse(text, "the port is missing");
    const std::string_view host = text.substr(0, colon);
    if (host.empty()) refuse(text, "the host is missing");
    if (host.find(':') != host.npos)
        refuse(text, "an IPv6 address stands in brackets, as in [::1]:80");
    const sockaddr_in address = read_ipv4(host, read_port(text.substr(colon + 1), text), text);
    return {&address, sizeof address};
}

Address Address::of(std::string_view host, int port) {
    if (host.starts_with(unix_prefix)) return read_unix(host);
    if (port < 0 || port > 65535)
        refuse(host, "port " + std::to_string(port) + " is not in 0 to 65535");
    if (host.empty()) refuse(host, "the host is missing");
    const auto checked = static_cast<std::uint16_t>(port);
    if (host.find(':') == host.npos) {
        const sockaddr_in address = read_ipv4(host, checked, host);
        return {&address, sizeof address};
    }
    const bool in_brackets = host.front() == '[' && host.back() == ']';
    const sockaddr_in6 address =
        read_ipv6(in_brackets ? host.substr(1, host.size() - 2) : host, checked, host);
    return {&address, sizeof address};
}

Address Address::from(const sockaddr* address, socklen_t size) {
    if (size < sizeof(sa_family_t) || address->sa_family == AF_UNSPEC) return {};
    const sa_family_t family = address->sa_family;
    if (family == AF_INET && size >= sizeof(sockaddr_in)) {
        const auto given = copied<sockaddr_in>(address);
        const sockaddr_in normal = ipv4(given.sin_addr, ntohs(given.sin_port));
        return {&normal, sizeof normal};
    }
    if (family == AF_INET6 && size >= sizeof(sockaddr_in6)) {
        const auto given = copied<sockaddr_in6>(address);
        const sockaddr_in6 normal =
            ipv6(given.sin6_addr, ntohs(given.sin6_port), given.sin6_scope_id);
        return {&normal, sizeof normal};
    }
    if (family == AF_UNIX) {
        const std::string_view bytes = unix_bytes(address, size);
        if (bytes.empty() || (bytes.front() == '\0' && bytes.size() <= longest_path))
            return {address, size};
        // The kernel counts the zero after a path, even after one that fills all the room.
        if (bytes.front() != '\0' && bytes.substr(0, bytes.find('\0')).size() <= longest_path)
            return unix_path(bytes.substr(0, bytes.find('\0')));
    }
    if (family != AF_INET && family != AF_INET6 && family != AF_UNIX &&
        size <= sizeof(sockaddr_storage))
        return {address, size};
    throw std::invalid_argument{"an address of family " + std::to_string(family) + " cannot have " +
                                std::to_string(size) + " bytes"};
}

Address Address::ipv4_loopback(std::uint16_t port) noexcept {
    const sockaddr_in address = ipv4({.s_addr = htonl(INADDR_LOOPBACK)}, port);
    return {&address, sizeof address};
}

Address Address::ipv6_loopback(std::uint16_t port) noexcept {
    const sockaddr_in6 address = ipv6(in6addr_loopback, port);
    return {&address, sizeof address};
}

Address Address::ipv4_any(std::uint16_t port) noexcept {
    const sockaddr_in address = ipv4({.s_addr = htonl(INADDR_ANY)}, port);
    return {&address, sizeof address};
}

Address Address::ipv6_any(std::uint16_t port) noexcept {
    const sockaddr_in6 address = ipv6(in6addr_any, port);
    return {&address, sizeof address};
}

Address Address::unix_path(std::string_view path) {
    const auto checked = [&](bool holds, std::string_view reason) {
        if (!holds) refuse(std::string{unix_prefix}.append(path), reason);
    };
    checked(!path.empty(), "the path is empty");
    checked(path.size() <= longest_path, "the path is longer than 108 bytes");
    checked(path.find('\0') == path.npos, "the path holds a zero byte");
    const sockaddr_un address = unix_address(path);
    return {&address, path_offset + std::min(path.size() + 1, longest_path)};
}

Address Address::abstract(std::string_view name) {
    const auto checked = [&](bool holds, std::string_view reason) {
        if (!holds) refuse(std::string{unix_prefix}.append("@").append(name), reason);
    };
    checked(!name.empty(), "the name is empty");
    checked(name.size() < longest_path, "the name is longer than 107 bytes");
    const sockaddr_un address = unix_address(std::string{'\0'}.append(name));
    return {&address, path_offset + 1 + name.size()};
}

Address Address::packet(std::string_view interface, std::uint16_t ether_type) {
    sockaddr_ll address{};
    address.sll_family = AF_PACKET;
    address.sll_protocol = htons(ether_type);
    address.sll_ifindex = static_cast<int>(interface_number(interface));
    return {&address, sizeof address};
}

int Address::family() const noexcept { return storage_.ss_family; }

bool Address::unnamed() const noexcept {
    return family() == AF_UNSPEC || (family() == AF_UNIX && size_ == path_offset);
}

std::uint16_t Address::port() const noexcept {
    if (family() == AF_INET) return ntohs(copied<sockaddr_in>(data()).sin_port);
    if (family() == AF_INET6) return ntohs(copied<sockaddr_in6>(data()).sin6_port);
    return 0;
}

std::string_view Address::path() const noexcept {
    if (family() != AF_UNIX) return {};
    const std::string_view bytes = unix_bytes(data(), size_);
    return bytes.substr(0, bytes.find('\0'));
}

std::string Address::to_string() const {
    if (unnamed()) return "unnamed";
    switch (family()) {
    case AF_INET:
        return ipv4_text(copied<sockaddr_in>(data()));
    case AF_INET6:
        return ipv6_text(copied<sockaddr_in6>(data()));
    case AF_PACKET:
        // The kernel leaves out what is behind the hardware address.
        if (size_ >= offsetof(sockaddr_ll, sll_addr))
            return packet_text(copied<sockaddr_ll>(data()));
        return "family " + std::to_string(family());
    case AF_UNIX:
        break;
    default:
        return "family " + std::to_string(family());
    }
    const std::string_view file = path();
    if (file.empty())
        return std::string{unix_prefix} + "@" + escaped(unix_bytes(data(), size_).substr(1));
    if (file.starts_with('@')) return std::string{unix_prefix} + "\\x40" + escaped(file.substr(1));
    return std::string{unix_prefix} + escaped(file);
}

bool operator==(const Address& a, const Address& b) noexcept {
    return a.size_ == b.size_ && std::memcmp(&a.storage_, &b.storage_, a.size_) == 0;
}

} // namespace pollux
