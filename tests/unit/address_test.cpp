// Addresses: what is refused and why, what is kept to the byte, and text that reads back the same.

#include "support/child.hpp"
#include "support/descriptor_ledger.hpp"

#include <doctest/doctest.h>

#include <array>
#include <cstring>
#include <net/if.h>
#include <netinet/in.h>
#include <netpacket/packet.h>
#include <pollux/bytes.hpp>
#include <pollux/net/address.hpp>
#include <sched.h>
#include <stdexcept>
#include <string>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <system_error>

using namespace pollux;
using namespace std::string_literals;
using pollux_test::DescriptorLedger;

namespace {

template <class Make> std::string refusal(Make make) {
    try {
        return "accepted: " + make().to_string();
    } catch (const std::invalid_argument& error) {
        return error.what();
    }
}
std::string refusal_of(std::string_view text) {
    return refusal([&] { return Address::parse(text); });
}
std::string there_and_back(std::string_view text) {
    const Address address = Address::parse(text);
    CHECK(Address::parse(address.to_string()) == address);
    CHECK(Address::from(address.data(), address.size()) == address);
    return address.to_string();
}
std::string path_of(std::size_t length) {
    std::string path(length, 'p');
    path.front() = '/';
    return path;
}

} // namespace

TEST_CASE("a text that is no address is refused, quoted, with the reason") {
    const DescriptorLedger ledger;
    CHECK_EQ(refusal_of(""), R"(address "": the port is missing)");
    CHECK_EQ(refusal_of("127.0.0.1"), R"(address "127.0.0.1": the port is missing)");
    CHECK_EQ(refusal_of("127.0.0.1:"), R"(address "127.0.0.1:": the port is missing)");
    CHECK_EQ(refusal_of(":80"), R"(address ":80": the host is missing)");
    CHECK_EQ(refusal_of("127.0.0.1:http"), R"(address "127.0.0.1:http": the port is not a number)");
    for (const std::string& port : {"-1"s, "+80"s, " 80"s, "80 "s, "0x50"s, "8\0"s})
        CHECK_MESSAGE(refusal_of("127.0.0.1:" + port).ends_with("the port is not a number"), port);
    for (const std::string port : {"65536", "99999", "18446744073709551617", "4294967376"})
        CHECK_MESSAGE(refusal_of("127.0.0.1:" + port).ends_with("the port is not in 0 to 65535"),
                      port);
    for (const std::string host : {"localhost", "example.com", "127.1", "0x7f.0.0.1", "010.0.0.1",
                                   "1.2.3.4.5", "256.1.1.1", " 1.2.3.4", "1.2.3.4 ", "2130706433"})
        CHECK_MESSAGE(
            refusal_of(host + ":80").ends_with("not a numeric address (names are not looked up)"),
            host);
    CHECK_EQ(refusal_of("::1:80"),
             R"(address "::1:80": an IPv6 address stands in brackets, as in [::1]:80)");
    CHECK_EQ(refusal_of("[::1]"), R"(address "[::1]": the port is missing)");
    CHECK_EQ(refusal_of("[::1]80"),
             R"(address "[::1]80": after the bracket comes a colon and the port)");
    CHECK_EQ(refusal_of("[::1:80"), R"(address "[::1:80": the closing bracket is missing)");
    for (const std::string host : {"", "127.0.0.1", "::1::", "1:2:3:4:5:6:7:8:9", "12345::", "lo"})
        CHECK_MESSAGE(refusal_of("[" + host + "]:80").ends_with("not a numeric IPv6 address"),
                      host);
}

TEST_CASE("bug-F12 a scope that names no interface is refused, however long") {
    const DescriptorLedger ledger;
    const std::string reason = "the scope is not the name or the number of an interface";
    for (const std::string& scope :
         {""s, "0"s, "no-such-one"s, "4294967296"s, "-1"s, "lo "s, "lo\0"s, "lo%lo"s,
          std::string(IF_NAMESIZE, 'l'), std::string(4096, '1')})
        CHECK_MESSAGE(refusal_of("[fe80::1%" + scope + "]:80").ends_with(reason), scope);
}

TEST_CASE("bug-F13 a zero byte does not end a text early") {
    const DescriptorLedger ledger;
    CHECK(refusal_of("127.0.0.1\0.evil.example:80"s).find("not a numeric") != std::string::npos);
    CHECK(refusal_of("[::1\0]:80"s).find("not a numeric") != std::string::npos);
    CHECK_EQ(refusal_of("unix:/run/a\0b"s),
             R"(address "unix:/run/a\x00b": the path holds a zero byte)");
    CHECK_EQ(refusal_of(R"(unix:/run/a\x00b)"),
             R"(address "unix:/run/a\x00b": the path holds a zero byte)");
}

TEST_CASE("bug-F13 nothing is cut to fit: a host of 300 bytes is refused") {
    const DescriptorLedger ledger;
    CHECK(refusal_of("127.0.0.1" + std::string(300, '1') + ":80").find("not a numeric") !=
          std::string::npos);
    CHECK(refusal_of("[::1" + std::string(300, '1') + "]:80").find("not a numeric") !=
          std::string::npos);
}

TEST_CASE("a Unix name that cannot be is refused") {
    const DescriptorLedger ledger;
    CHECK_EQ(refusal_of("unix:"), R"(address "unix:": the path is empty)");
    CHECK_EQ(refusal_of("unix:@"), R"(address "unix:@": the name is empty)");
    CHECK_EQ(refusal_of(R"(unix:/a\b)"),
             R"(address "unix:/a\\b": a backslash begins \\ or \x and two hexadecimal digits)");
    for (const std::string end : {"\\", "\\x", "\\x1", "\\xg0", "\\x-1", "\\x 1", "\\n"})
        CHECK_MESSAGE(refusal_of("unix:/a" + end).find("backslash begins") != std::string::npos,
                      end);
}

TEST_CASE("C18 a path has 108 bytes at most, an abstract name 107") {
    const DescriptorLedger ledger;
    const Address longest = Address::unix_path(path_of(108));
    CHECK_EQ(longest.path(), path_of(108));
    CHECK_EQ(longest.size(), sizeof(sockaddr_un));
    CHECK_EQ(there_and_back("unix:" + path_of(108)), "unix:" + path_of(108));
    CHECK_EQ(Address::unix_path(path_of(107)).size(), sizeof(sockaddr_un));
    CHECK(Address::unix_path(path_of(107)) != longest);
    CHECK(refusal_of("unix:" + path_of(109)).ends_with("the path is longer than 108 bytes"));
    CHECK_EQ(there_and_back("unix:@" + path_of(107)), "unix:@" + path_of(107));
    CHECK(refusal_of("unix:@" + path_of(108)).ends_with("the name is longer than 107 bytes"));
}

TEST_CASE("an abstract name has the length it was given, zeros included") {
    const DescriptorLedger ledger;
    const Address name = Address::abstract("a\0b\0"s);
    CHECK_EQ(name.size(), sizeof(sa_family_t) + 1 + 4);
    CHECK_EQ(name.to_string(), R"(unix:@a\x00b\x00)");
    CHECK(Address::parse(name.to_string()) == name);
    CHECK(Address::abstract("a\0b"s) != name);
    CHECK(name.path().empty());
    CHECK_FALSE(name.unnamed());
}

TEST_CASE("text reads back as the same address") {
    const DescriptorLedger ledger;
    for (const std::string text :
         {"127.0.0.1:80", "0.0.0.0:0", "255.255.255.255:65535", "[::1]:80", "[::]:0",
          "[2001:db8::7]:443", "[::ffff:127.0.0.1]:1", "[fe80::1%lo]:80", "[fe80::1%4000000000]:80",
          "unix:/run/app.sock", "unix:app.sock", "unix:./@app", "unix:@app", "unix:@@", "unix:@ /:",
          "unix:/with space", R"(unix:/back\\slash)", R"(unix:/line\x0aend\x1b[31m\x7f\xc3\xa9)"})
        CHECK_EQ(there_and_back(text), text);
    CHECK_EQ(there_and_back("127.0.0.1:00080"), "127.0.0.1:80");
    CHECK_EQ(there_and_back("[0:0:0:0:0:0:0:1]:80"), "[::1]:80");
    CHECK_EQ(there_and_back("[fe80::1%" + std::to_string(::if_nametoindex("lo")) + "]:80"),
             "[fe80::1%lo]:80");
    CHECK_EQ(there_and_back("unix:/\xc3\xa9"), R"(unix:/\xc3\xa9)");
    // A path may begin with what marks an abstract name.
    CHECK_EQ(there_and_back(R"(unix:\x40app)"), R"(unix:\x40app)");
    CHECK_EQ(Address::parse(R"(unix:\x40app)").path(), "@app");
}

TEST_CASE("the name of an interface that reads as something else is not written") {
    for (const std::string name : {"7", "a]b", "a%b", "\x1b[2J", "a\xc3\xa9"}) {
        pollux_test::holds_in_child([&](const pollux_test::Expect& expect) {
            const unsigned lo = ::if_nametoindex("lo");
            // Interfaces of its own: some systems let nobody have them.
            if (::unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0) return;
            const int socket = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
            ifreq change{};
            std::strcpy(change.ifr_name, "lo");
            name.copy(change.ifr_newname, IF_NAMESIZE - 1);
            if (::ioctl(socket, SIOCSIFNAME, &change) < 0) return;
            expect(::if_nametoindex(name.c_str()) == lo, "renamed");
            const std::string text = "[fe80::1%" + std::to_string(lo) + "]:80";
            expect(there_and_back(text) == text, there_and_back(text));
            const std::string frames = Address::packet(name, 0x0800).to_string();
            expect(frames == "packet:" + std::to_string(lo) + " 0x0800", frames);
        });
    }
}

TEST_CASE("host and port given apart") {
    const DescriptorLedger ledger;
    CHECK_EQ(Address::of("127.0.0.1", 80).to_string(), "127.0.0.1:80");
    CHECK_EQ(Address::of("::1", 80).to_string(), "[::1]:80");
    CHECK_EQ(Address::of("[::1]", 80).to_string(), "[::1]:80");
    CHECK_EQ(Address::of("fe80::1%lo", 65535).to_string(), "[fe80::1%lo]:65535");
    CHECK_EQ(Address::of("unix:/run/app.sock", 80).to_string(), "unix:/run/app.sock");
    CHECK_EQ(Address::of("unix:@app", -1).to_string(), "unix:@app");
    CHECK_EQ(refusal([] { return Address::of("127.0.0.1", 65536); }),
             R"(address "127.0.0.1": port 65536 is not in 0 to 65535)");
    CHECK_EQ(refusal([] { return Address::of("127.0.0.1", -1); }),
             R"(address "127.0.0.1": port -1 is not in 0 to 65535)");
    for (const std::string host : {"", "[", "[]", "[::1", "::1]", "127.0.0.1:80", "localhost"})
        CHECK_MESSAGE(refusal([&] { return Address::of(host, 80); }).starts_with("address \""),
                      host);
}

TEST_CASE("factories, port, family") {
    const DescriptorLedger ledger;
    CHECK_EQ(Address::ipv4_loopback(80).to_string(), "127.0.0.1:80");
    CHECK_EQ(Address::ipv6_loopback(80).to_string(), "[::1]:80");
    CHECK_EQ(Address::ipv4_any(0).to_string(), "0.0.0.0:0");
    CHECK_EQ(Address::ipv6_any(65535).to_string(), "[::]:65535");
    CHECK_EQ(Address::ipv4_loopback(8080).port(), 8080);
    CHECK_EQ(Address::ipv6_loopback(8080).port(), 8080);
    CHECK_EQ(Address::unix_path("/a").port(), 0);
    CHECK_EQ(Address::ipv4_loopback(1).family(), AF_INET);
    CHECK_EQ(Address::ipv6_loopback(1).family(), AF_INET6);
    CHECK_EQ(Address::abstract("a").family(), AF_UNIX);
    CHECK(Address::ipv4_loopback(1) != Address::ipv4_loopback(2));
    CHECK(Address::ipv4_loopback(1) != Address::ipv4_any(1));
    CHECK(Address::parse("[fe80::1%1]:1") != Address::parse("[fe80::1%2]:1"));
}

TEST_CASE("bug-D4 an address that was never set is unnamed and not read") {
    const DescriptorLedger ledger;
    sockaddr_un garbage{};
    std::memset(&garbage, 'x', sizeof garbage);
    const auto* const address = reinterpret_cast<const sockaddr*>(&garbage);
    CHECK(Address::from(address, 0) == Address{});
    CHECK(Address::from(address, 1).unnamed());
    CHECK(Address::from(nullptr, 0).unnamed());
    garbage.sun_family = AF_UNIX;
    const Address peer = Address::from(address, sizeof(sa_family_t));
    CHECK(peer.unnamed());
    CHECK(peer.path().empty());
    CHECK_EQ(peer.to_string(), "unnamed");
    CHECK_EQ(Address{}.to_string(), "unnamed");
    CHECK_EQ(Address{}.size(), 0);
    CHECK_EQ(refusal_of("unnamed"), R"(address "unnamed": the port is missing)");
}

TEST_CASE("the kernel's form is checked and made normal") {
    const DescriptorLedger ledger;
    sockaddr_in dirty{};
    std::memset(&dirty, 0xff, sizeof dirty);
    dirty.sin_family = AF_INET;
    dirty.sin_port = htons(80);
    dirty.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const auto* const address = reinterpret_cast<const sockaddr*>(&dirty);
    CHECK(Address::from(address, sizeof dirty) == Address::ipv4_loopback(80));
    CHECK_EQ(refusal([&] { return Address::from(address, 15); }),
             "an address of family 2 cannot have 15 bytes");

    sockaddr_in6 flow{};
    flow.sin6_family = AF_INET6;
    flow.sin6_port = htons(80);
    flow.sin6_addr = in6addr_loopback;
    flow.sin6_flowinfo = 7;
    CHECK(Address::from(reinterpret_cast<const sockaddr*>(&flow), sizeof flow) ==
          Address::ipv6_loopback(80));

    // A path that fills all the room: the kernel counts one more byte, the zero.
    std::array<char, 128> room{};
    const Address longest = Address::unix_path(path_of(108));
    std::memcpy(room.data(), longest.data(), longest.size());
    const auto* const unix_address = reinterpret_cast<const sockaddr*>(room.data());
    CHECK(Address::from(unix_address, 111) == longest);
    room[110] = 'x';
    CHECK_THROWS_AS(Address::from(unix_address, 112), std::invalid_argument);

    sockaddr_storage other{};
    other.ss_family = AF_NETLINK;
    const auto* const netlink = reinterpret_cast<const sockaddr*>(&other);
    CHECK_EQ(Address::from(netlink, 12).to_string(), "family 16");
    CHECK_THROWS_AS(Address::from(netlink, sizeof other + 1), std::invalid_argument);
}

TEST_CASE("text and bytes are two looks at the same memory") {
    const std::string text = "a\0b"s;
    const ByteView bytes = bytes_of(text);
    CHECK_EQ(bytes.size(), 3);
    CHECK(static_cast<const void*>(bytes.data()) == text.data());
    CHECK_EQ(text_of(bytes), text);
    CHECK(text_of(ByteView{}).empty());
    CHECK(bytes_of("").empty());
}

TEST_CASE("an address of packets is made from an interface's name, and prints all of itself") {
    const DescriptorLedger ledger;
    const Address address = Address::packet("lo", 0x0800);
    CHECK_EQ(address.family(), AF_PACKET);
    CHECK_EQ(address.to_string(), "packet:lo 0x0800");
    CHECK(Address::from(address.data(), address.size()) == address);
    CHECK_FALSE(Address::packet("lo", 3) == address);
    sockaddr_ll full{};
    std::memcpy(&full, address.data(), sizeof full);
    full.sll_halen = 6;
    for (std::size_t place = 0; place < 6; ++place)
        full.sll_addr[place] = static_cast<unsigned char>(place * 0x1f);
    full.sll_ifindex = 4'000'000;
    const auto* const raw = reinterpret_cast<const sockaddr*>(&full);
    CHECK_EQ(Address::from(raw, sizeof full).to_string(),
             "packet:4000000 0x0800 00:1f:3e:5d:7c:9b");
    // The kernel gives fewer bytes for a short hardware address; cut before it, it is unknown.
    CHECK_EQ(Address::from(raw, sizeof full - 2).to_string(),
             "packet:4000000 0x0800 00:1f:3e:5d:7c:9b");
    CHECK_EQ(Address::from(raw, 8).to_string(), "family 17");
    CHECK_THROWS_WITH_AS(Address::packet("no-such-one", 3),
                         "if_nametoindex no-such-one: No such device", std::system_error);
    CHECK_THROWS_AS(Address::packet("lo\0"s, 3), std::system_error);
}
