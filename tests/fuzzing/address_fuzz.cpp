// Addresses: what is read is written and read back the same; what is refused is refused in one
// plain line.

#include "fuzzing.hpp"

#include <algorithm>
#include <optional>
#include <pollux/net/address.hpp>
#include <stdexcept>

namespace {

using pollux::Address;
using pollux_test::must;

template <class Make> std::optional<Address> made(Make make) {
    try {
        return make();
    } catch (const std::invalid_argument& refusal) {
        must(pollux_test::is_one_plain_line(refusal.what()), "a refusal is one plain line",
             refusal.what());
        return std::nullopt;
    }
}

// Packet sockets, families nobody knows and an abstract name of no bytes have texts that are not
// read back.
bool has_text(const Address& address) {
    const int family = address.family();
    return !address.unnamed() && address.to_string() != "unix:@" &&
           (family == AF_INET || family == AF_INET6 || family == AF_UNIX);
}

void check_text(const Address& address) {
    const std::string text = address.to_string();
    must(pollux_test::is_one_plain_line(text), "a text is one plain line", text);
    must(address.size() <= sizeof(sockaddr_storage), "an address fits where addresses go");
    if (!has_text(address)) return;
    const auto again = made([&] { return Address::parse(text); });
    must(again.has_value(), "what was written is read", text);
    must(*again == address, "it is the same address", text);
    must(again->to_string() == text, "and has the same text", text);
}

void read_text(std::string_view input) {
    const auto address = made([&] { return Address::parse(input); });
    if (!address) return;
    must(has_text(*address), "a text is never an unnamed address");
    check_text(*address);
    // Apart, host and port mean the same.
    const std::size_t colon = input.rfind(':');
    const bool is_unix = address->family() == AF_UNIX;
    const std::string_view host = is_unix ? input : input.substr(0, colon);
    const auto apart = made([&] { return Address::of(host, address->port()); });
    must(apart && *apart == *address, "host and port apart are the same address");
}

void read_bytes(std::string_view input) {
    sockaddr_storage storage{};
    const std::size_t size = std::min(input.size(), sizeof storage);
    input.copy(reinterpret_cast<char*>(&storage), size);
    const auto address = made([&] {
        return Address::from(reinterpret_cast<const sockaddr*>(&storage),
                             static_cast<socklen_t>(size));
    });
    if (!address) return;
    check_text(*address);
    const Address again = Address::from(address->data(), address->size());
    must(again == *address, "the kernel's form of it is the same address");
}

void check_host(std::string_view input) {
    for (const int port : {-1, 0, 65535, 65536}) {
        const auto address = made([&] { return Address::of(input, port); });
        if (address) check_text(*address);
    }
}

void fuzz(std::string_view input) {
    read_text(input);
    check_host(input);
    read_bytes(input);
}

const pollux_test::FuzzTarget target{"address", fuzz};

} // namespace
