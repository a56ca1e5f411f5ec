// Listening sockets: ports, paths, and what they leave behind.

#include <doctest/doctest.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <optional>
#include <poll.h>
#include <pollux/instruments/call_hook.hpp>
#include <pollux/net/socket.hpp>
#include <string>
#include <sys/stat.h>
#include <unistd.h>

#include "support/descriptor_ledger.hpp"
#include "support/library_sockets.hpp"
#include "support/observing.hpp"
#include "support/sockets.hpp"

using namespace pollux;
using namespace pollux_test;

namespace {

mode_t permissions(const std::string& path) {
    struct stat status {};
    REQUIRE_EQ(::stat(path.c_str(), &status), 0);
    return status.st_mode & 07777;
}

} // namespace

TEST_CASE("C16 [::] serves IPv4 as well, unless it is told not to") {
    const DescriptorLedger ledger;
    Socket both = Socket::listen(Address::ipv6_any(0));
    CHECK_FALSE(both.get(option::v6_only));
    const Fd client = tcp_client(both.local().port());
    await(both, POLLIN);
    const Accepted accepted = both.accept();
    REQUIRE_EQ(accepted.error, 0);
    CHECK(accepted.socket.peer().to_string().starts_with("[::ffff:127.0.0.1]:"));

    // The same port can be had for IPv4; now and then a stranger has it already.
    std::string outcome;
    for (int attempt = 0; attempt < 100 && outcome != "no failure"; ++attempt) {
        const Socket only = Socket::listen(Address::ipv6_any(0), {.v6_only = true});
        CHECK(only.get(option::v6_only));
        outcome = failure([&] { Socket::listen(Address::ipv4_any(only.local().port())); });
    }
    CHECK_EQ(outcome, "no failure");
}

TEST_CASE("C17 a path in the way is taken over only if it is a socket nobody listens on") {
    const DescriptorLedger ledger;
    const Directory directory;
    const std::string path = directory / "s";
    const Address address = Address::unix_path(path);
    const std::string in_use = "bind " + address.to_string() + ": Address already in use";
    const auto listens = [&](const ListenOptions& options = {}) {
        return failure([&] { Socket::listen(address, options).accept(); });
    };

    Socket::listen(address).close(); // leaves its path
    CHECK_EQ(listens({.reclaim_path = false}), in_use);
    CHECK_EQ(listens(), "no failure");

    SUBCASE("a listener that lives") {
        std::filesystem::remove(path);
        const Socket living = Socket::listen(address, {.backlog = 0});
        CHECK_EQ(listens(), in_use);
        CHECK_EQ(listens(), in_use); // now its queue is full
        CHECK(std::filesystem::is_socket(path));
    }
    SUBCASE("a file") {
        std::filesystem::remove(path);
        std::ofstream{path} << "precious";
        CHECK_EQ(listens(), in_use);
        CHECK_EQ(std::filesystem::file_size(path), 8);
    }
    SUBCASE("a link to a stale socket") {
        std::filesystem::rename(path, directory / "old");
        std::filesystem::create_symlink(directory / "old", path);
        CHECK_EQ(listens(), in_use);
        CHECK(std::filesystem::is_symlink(path));
    }
    SUBCASE("a datagram socket") {
        std::filesystem::remove(path);
        Socket datagrams = Socket::open(AF_UNIX, SOCK_DGRAM);
        datagrams.bind(address);
        CHECK_EQ(listens(), in_use);
    }
    SUBCASE("a path that cannot be removed") {
        const CallHook hook{failing("unlink", EACCES)};
        CHECK_EQ(listens(), "unlink " + address.to_string() + ": Permission denied");
    }
}

TEST_CASE("bug-F7 a path has its permissions from the first moment") {
    const DescriptorLedger ledger;
    const Directory directory;
    const std::string path = directory / "s";
    std::optional<mode_t> before_listening;
    const CallHook hook{[&](const CallPoint& call) -> CallOutcome {
        if (call.name == "listen") before_listening = permissions(path);
        if (call.name == "fchmod") CHECK_FALSE(std::filesystem::exists(path));
        return {};
    }};
    const Socket listener = Socket::listen(Address::unix_path(path), {.mode = 0600});
    CHECK_EQ(before_listening.value_or(0), 0600);
    CHECK_EQ(permissions(path), 0600);
}

TEST_CASE("C18 a path of 108 bytes is bound, connected to and given back whole") {
    const DescriptorLedger ledger;
    const Directory directory;
    std::string path = directory / "";
    path.resize(108, 'p');
    const Address address = Address::unix_path(path);
    const Socket listener = Socket::listen(address);
    CHECK(std::filesystem::is_socket(path));
    CHECK(listener.local() == address);
    Socket client = Socket::open(AF_UNIX);
    CHECK(client.connect(address).state == ConnectState::connected);
    CHECK_EQ(client.peer().path(), path);
    Socket::listen(Address::unix_path(path.substr(0, 107))).close();
    CHECK_EQ(Socket::listen(Address::unix_path(path.substr(0, 107))).local().path(),
             path.substr(0, 107));
}

TEST_CASE("C18 an abstract name is as long as it is, zeros included") {
    const DescriptorLedger ledger;
    const std::string name = "pollux test " + std::to_string(::getpid());
    const std::string longer = name + '\0';
    const Socket listener = Socket::listen(Address::abstract(name));
    CHECK(listener.local() == Address::abstract(name));
    CHECK(Socket::open(AF_UNIX).connect(Address::abstract(name)).state == ConnectState::connected);
    CHECK_EQ(Socket::open(AF_UNIX).connect(Address::abstract(longer)).error, ECONNREFUSED);
    CHECK_EQ(failure([&] { Socket::listen(Address::abstract(name)); }),
             "bind unix:@" + name + ": Address already in use");
}

TEST_CASE("C19 port 0 becomes a real port") {
    const DescriptorLedger ledger;
    for (const Address& address : {Address::ipv4_loopback(0), Address::ipv6_loopback(0)}) {
        const Socket listener = Socket::listen(address);
        CHECK_NE(listener.local().port(), 0);
        CHECK_EQ(listener.local().family(), address.family());
        CHECK(listener.get(option::accepting));
        CHECK(listener.get(option::reuse_address));
    }
}

TEST_CASE("reuse_port: two listeners share a port only if both ask") {
    const DescriptorLedger ledger;
    const Socket one = Socket::listen(Address::ipv4_loopback(0), {.reuse_port = true});
    CHECK_EQ(failure([&] { Socket::listen(one.local()); }),
             "bind " + one.local().to_string() + ": Address already in use");
    CHECK(Socket::listen(one.local(), {.reuse_port = true}).local() == one.local());
}

TEST_CASE("sequenced packets are listened for like streams, and a path is taken over from any") {
    const DescriptorLedger ledger;
    const Directory directory;
    const Address path = Address::unix_path(directory / "s");
    { const Socket gone = Socket::datagram(path); }
    Socket listener = Socket::listen(path, {.type = SOCK_SEQPACKET});
    CHECK_EQ(listener.type(), SOCK_SEQPACKET);
    CHECK_EQ(failure([&] { Socket::listen(path); }),
             "bind " + path.to_string() + ": Address already in use");
    Socket client = Socket::open(AF_UNIX, SOCK_SEQPACKET);
    CHECK(client.connect(path).state == ConnectState::connected);
    Socket server = listener.accept().socket;
    CHECK(is(client.write(bytes_of("one")), IoState::ok, 3));
    CHECK(is(client.write(bytes_of("two")), IoState::ok, 3));
    CHECK_EQ(read_text(server), "one");
    CHECK_EQ(read_text(server), "two");
}

TEST_CASE("a protocol may be listened for by its number") {
    const DescriptorLedger ledger;
    CHECK_EQ(Socket::listen(Address::ipv4_loopback(0), {.protocol = IPPROTO_TCP}).protocol(),
             IPPROTO_TCP);
    CHECK(failure([] {
              Socket::listen(Address::ipv4_loopback(0), {.protocol = IPPROTO_UDP});
          }).starts_with("socket AF_INET SOCK_STREAM IPPROTO_UDP: "));
}
