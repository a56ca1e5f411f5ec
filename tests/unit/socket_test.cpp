// Sockets on a real kernel, and on one that a hook makes answer what it rarely answers.

#include "support/descriptor_ledger.hpp"
#include "support/sockets.hpp"

#include <doctest/doctest.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <climits>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <optional>
#include <poll.h>
#include <pollux/instruments/call_hook.hpp>
#include <pollux/net/socket.hpp>
#include <stdexcept>
#include <string>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <utility>
#include <vector>

using namespace pollux;
using namespace pollux_test;
using namespace std::chrono_literals;

namespace {

void await(const Socket& socket, short events) {
    pollfd entry{.fd = socket.fd(), .events = events, .revents = 0};
    REQUIRE_EQ(::poll(&entry, 1, 10'000), 1);
}

// Connected and accepted, over TCP.
std::pair<Socket, Socket> tcp_sockets() {
    Socket listener = Socket::listen(Address::ipv4_loopback(0));
    Socket client = Socket::open(AF_INET);
    REQUIRE(client.connect(listener.local()).state != ConnectState::error);
    await(listener, POLLIN);
    Accepted accepted = listener.accept();
    REQUIRE_EQ(accepted.error, 0);
    await(client, POLLOUT);
    REQUIRE_FALSE(client.take_error());
    return {std::move(accepted.socket), std::move(client)};
}

std::string read_text(Socket& from, std::size_t most = 65536) {
    std::string text(most, '\0');
    const IoResult result = from.read(std::as_writable_bytes(std::span{text}));
    REQUIRE(result.state == IoState::ok);
    text.resize(result.bytes);
    return text;
}
IoResult read_once(Socket& from, std::size_t most = 16) {
    std::vector<std::byte> buffer(most);
    return from.read(buffer);
}
bool is(const IoResult& result, IoState state, std::size_t bytes = 0, int error = 0) {
    return result.state == state && result.bytes == bytes && result.error == error;
}
void reset(Socket socket) { socket.set(option::linger, 0s); }
CallOutcome error_outcome(int error) {
    CallOutcome outcome;
    outcome.error = error;
    return outcome;
}
CallOutcome at_most(std::size_t bytes) {
    CallOutcome outcome;
    outcome.at_most = bytes;
    return outcome;
}
// The hook answers the first `times` calls of `name` with an error and lets the others through.
auto failing(std::string_view name, int error, std::uint64_t times = ~std::uint64_t{0}) {
    return [=](const CallPoint& call) -> CallOutcome {
        return error_outcome(call.name == name && call.nth <= times ? error : 0);
    };
}
template <class Act> std::string failure(Act act) {
    try {
        act();
        return "no failure";
    } catch (const std::system_error& error) {
        return error.what();
    }
}

// A directory that goes with all that is in it.
class Directory {
public:
    Directory() : path_{"/tmp/pollux-XXXXXX"} { REQUIRE(::mkdtemp(path_.data()) != nullptr); }
    ~Directory() { std::filesystem::remove_all(path_); }
    Directory(const Directory&) = delete;
    Directory& operator=(const Directory&) = delete;

    std::string operator/(std::string_view name) const {
        std::string path = path_;
        return path.append("/").append(name);
    }

private:
    std::string path_;
};

mode_t permissions(const std::string& path) {
    struct stat status {};
    REQUIRE_EQ(::stat(path.c_str(), &status), 0);
    return status.st_mode & 07777;
}
int descriptor_flags(const Socket& socket) { return ::fcntl(socket.fd(), F_GETFD); }
int status_flags(const Socket& socket) { return ::fcntl(socket.fd(), F_GETFL); }

} // namespace

TEST_CASE("a socket that owns nothing answers EBADF") {
    const DescriptorLedger ledger;
    Socket nothing;
    CHECK_FALSE(nothing);
    CHECK(is(read_once(nothing), IoState::error, 0, EBADF));
    CHECK(is(nothing.write(bytes_of("x")), IoState::error, 0, EBADF));
    CHECK_EQ(nothing.accept().error, EBADF);
    CHECK(nothing.connect(Address::ipv4_loopback(1)).error_code() ==
          std::errc::bad_file_descriptor);
    CHECK(nothing.take_error() == std::errc::bad_file_descriptor);
    CHECK(nothing.shutdown() == std::errc::bad_file_descriptor);
    CHECK_EQ(failure([&] { nothing.local(); }), "getsockname: Bad file descriptor");
    CHECK_EQ(failure([&] { nothing.peer(); }), "getpeername: Bad file descriptor");
    CHECK_EQ(failure([&] { nothing.set(option::no_delay, true); }),
             "setsockopt TCP_NODELAY: Bad file descriptor");
}

TEST_CASE("set-up failures name the call and its object") {
    const DescriptorLedger ledger;
    CHECK_EQ(failure([] { Socket::open(AF_INET, SOCK_STREAM, IPPROTO_UDP); }),
             "socket: Protocol not supported");
    const Socket listener = Socket::listen(Address::ipv4_loopback(0));
    const std::string taken = listener.local().to_string();
    CHECK_EQ(failure([&] { Socket::listen(listener.local()); }),
             "bind " + taken + ": Address already in use");
    {
        const CallHook hook{failing("bind", EACCES)};
        CHECK_EQ(failure([] { Socket::listen(Address::ipv4_loopback(80)); }),
                 "bind 127.0.0.1:80: Permission denied");
    }
    const CallHook hook{failing("listen", EADDRINUSE)};
    CHECK_EQ(failure([] { Socket::listen(Address::ipv6_loopback(0)); }),
             "listen [::1]:0: Address already in use");
}

TEST_CASE("C8 whatever makes a socket, it does not block and is closed on exec") {
    const DescriptorLedger ledger;
    const auto [server, client] = tcp_sockets();
    const auto [one, other] = Socket::pair();
    const Socket listener = Socket::listen(Address::ipv4_loopback(0));
    Ends foreign = unix_pair();
    REQUIRE_EQ(::fcntl(foreign.ours.get(), F_SETFL, 0), 0);
    REQUIRE_EQ(::fcntl(foreign.ours.get(), F_SETFD, 0), 0);
    const Socket adopted = Socket::adopt(std::move(foreign.ours));
    for (const Socket* socket : {&server, &client, &one, &other, &listener, &adopted}) {
        CHECK((status_flags(*socket) & O_NONBLOCK) != 0);
        CHECK((descriptor_flags(*socket) & FD_CLOEXEC) != 0);
    }
}

TEST_CASE("what is no socket is not adopted") {
    const DescriptorLedger ledger;
    CHECK_EQ(failure([] { Socket::adopt(pipe_ends().ours); }),
             "getsockopt SO_TYPE: Socket operation on non-socket");
    Ends ends = unix_pair();
    const int number = ends.ours.get();
    Socket socket = Socket::adopt(std::move(ends.ours));
    const Fd released = socket.release();
    CHECK_EQ(released.get(), number);
    CHECK_FALSE(socket);
}

TEST_CASE("accept reports each error as a value, and an empty queue as EAGAIN") {
    const DescriptorLedger ledger;
    Socket listener = Socket::listen(Address::ipv4_loopback(0));
    CHECK_EQ(listener.accept().error, EAGAIN);
    const Fd client = tcp_client(listener.local().port());
    await(listener, POLLIN);
    for (const int error : {EMFILE, ENFILE, ENOBUFS, ENOMEM, ECONNABORTED, EPROTO, EPERM}) {
        const CallHook hook{failing("accept4", error)};
        const Accepted refused = listener.accept();
        CHECK_EQ(refused.error, error);
        CHECK_FALSE(refused.socket);
    }
    const Accepted accepted = listener.accept();
    CHECK_EQ(accepted.error, 0);
    CHECK(accepted.socket.peer().port() == port_of(client));
}

TEST_CASE("C5 a reset before accept is found by the first read, not by accept") {
    const DescriptorLedger ledger;
    Socket listener = Socket::listen(Address::ipv4_loopback(0));
    Fd client = tcp_client(listener.local().port());
    await(listener, POLLIN);
    pollux_test::reset(client);
    Accepted accepted = listener.accept();
    REQUIRE_EQ(accepted.error, 0);
    await(accepted.socket, POLLIN);
    CHECK(accepted.socket.peer().unnamed());
    CHECK(is(read_once(accepted.socket), IoState::error, 0, ECONNRESET));
    CHECK(is(read_once(accepted.socket), IoState::end));

    const Fd next = tcp_client(listener.local().port());
    await(listener, POLLIN);
    CHECK_EQ(listener.accept().error, 0);
}

TEST_CASE("C9 bug-D4 the peer of an accepted Unix socket is unnamed") {
    const DescriptorLedger ledger;
    const Directory directory;
    Socket listener = Socket::listen(Address::unix_path(directory / "s"));
    Socket client = Socket::open(AF_UNIX);
    CHECK(client.connect(listener.local()).state == ConnectState::connected);
    const Accepted accepted = listener.accept();
    REQUIRE_EQ(accepted.error, 0);
    CHECK(accepted.socket.peer().unnamed());
    CHECK_EQ(accepted.socket.peer().family(), AF_UNIX);
    CHECK(client.peer() == listener.local());
}

TEST_CASE("C10 a refused connect is an error, at once or when it is done") {
    const DescriptorLedger ledger;
    const Address nobody = Socket::listen(Address::ipv4_loopback(0)).local();
    Socket client = Socket::open(AF_INET);
    const ConnectResult result = client.connect(nobody);
    if (result.state == ConnectState::in_progress) {
        await(client, POLLOUT);
        CHECK(client.take_error() == std::errc::connection_refused);
        CHECK_FALSE(client.take_error());
    } else {
        CHECK_EQ(result.error, ECONNREFUSED);
    }
    const Directory directory;
    CHECK_EQ(Socket::open(AF_UNIX).connect(Address::unix_path(directory / "none")).error, ENOENT);
    CHECK_EQ(Socket::open(AF_UNIX).connect(Address::abstract("pollux none")).error, ECONNREFUSED);
    CHECK_EQ(Socket::open(AF_INET).connect(Address{}).error, EINVAL);
}

TEST_CASE("P8 an interrupted connect goes on and is not repeated") {
    const DescriptorLedger ledger;
    const Socket listener = Socket::listen(Address::ipv4_loopback(0));
    int calls = 0;
    const CallHook hook{[&](const CallPoint& call) -> CallOutcome {
        calls += call.name == "connect" ? 1 : 0;
        return error_outcome(call.name == "connect" ? EINTR : 0);
    }};
    Socket client = Socket::open(AF_INET);
    const ConnectResult result = client.connect(listener.local());
    CHECK(result.state == ConnectState::in_progress);
    CHECK_EQ(result.error, 0);
    CHECK_EQ(calls, 1);
}

TEST_CASE("C13 bug-D6 a Unix listener whose queue is full answers EAGAIN") {
    const DescriptorLedger ledger;
    const Directory directory;
    const Address address = Address::unix_path(directory / "s");
    Socket listener = Socket::listen(address, {.backlog = 0});
    Socket first = Socket::open(AF_UNIX);
    CHECK(first.connect(address).state == ConnectState::connected);
    Socket second = Socket::open(AF_UNIX);
    const ConnectResult full = second.connect(address);
    CHECK(full.state == ConnectState::error);
    CHECK_EQ(full.error, EAGAIN);
    CHECK_EQ(listener.accept().error, 0);
    CHECK(second.connect(address).state == ConnectState::connected);
}

TEST_CASE("bug-F12 a link-local address without its scope cannot be connected to") {
    const DescriptorLedger ledger;
    CHECK_EQ(Socket::open(AF_INET6).connect(Address::parse("[fe80::1]:1")).error, EINVAL);
}

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

TEST_CASE("C14 bug-D8 a socket connected to itself shows by its addresses") {
    const DescriptorLedger ledger;
    Socket socket = Socket::open(AF_INET);
    socket.bind(Address::ipv4_loopback(0));
    REQUIRE(socket.connect(socket.local()).state != ConnectState::error);
    await(socket, POLLOUT);
    CHECK(socket.local() == socket.peer());
}

TEST_CASE("reuse_port: two listeners share a port only if both ask") {
    const DescriptorLedger ledger;
    const Socket one = Socket::listen(Address::ipv4_loopback(0), {.reuse_port = true});
    CHECK_EQ(failure([&] { Socket::listen(one.local()); }),
             "bind " + one.local().to_string() + ": Address already in use");
    CHECK(Socket::listen(one.local(), {.reuse_port = true}).local() == one.local());
}

TEST_CASE("S10 reading and writing nothing does nothing and is never the end") {
    const DescriptorLedger ledger;
    auto [ours, theirs] = Socket::pair();
    theirs.close();
    int calls = 0;
    const CallHook hook{[&](const CallPoint&) -> CallOutcome {
        ++calls;
        return {};
    }};
    CHECK(is(ours.read({}), IoState::ok));
    CHECK(is(ours.write(ByteView{}), IoState::ok));
    CHECK(is(ours.write(std::span<const ByteView>{}), IoState::ok));
    const std::array<ByteView, 2> empty{};
    CHECK(is(ours.write(empty), IoState::ok));
    CHECK_EQ(calls, 0);
}

TEST_CASE("a read tells apart: data, nothing yet, the end, a reset") {
    const DescriptorLedger ledger;
    auto [server, client] = tcp_sockets();
    CHECK(is(read_once(server), IoState::would_block));
    CHECK_FALSE(read_once(server).error_code());
    CHECK(is(client.write(bytes_of("abc")), IoState::ok, 3));
    await(server, POLLIN);
    CHECK_EQ(read_text(server, 2), "ab");
    CHECK_EQ(read_text(server), "c");
    SUBCASE("S4 the end is of one direction") {
        CHECK_FALSE(client.shutdown_write());
        await(server, POLLIN);
        CHECK(is(read_once(server), IoState::end));
        CHECK(is(server.write(bytes_of("reply")), IoState::ok, 5));
        await(client, POLLIN);
        CHECK_EQ(read_text(client), "reply");
    }
    SUBCASE("S7 bug-E1 a reset is reported once, then it is the end") {
        reset(std::move(client));
        await(server, POLLIN);
        CHECK(read_once(server).error_code() == std::errc::connection_reset);
        CHECK(is(read_once(server), IoState::end));
    }
    SUBCASE("bug-E1 taking the error steals it from the read") {
        reset(std::move(client));
        await(server, POLLIN);
        CHECK(server.take_error() == std::errc::connection_reset);
        CHECK(is(read_once(server), IoState::end));
    }
    SUBCASE("our own shutdown") {
        CHECK_FALSE(server.shutdown_read());
        CHECK(is(read_once(server), IoState::end));
        CHECK_FALSE(server.shutdown());
        CHECK(is(server.write(bytes_of("x")), IoState::error, 0, EPIPE));
    }
}

TEST_CASE("bug-E2 writing to a peer that is gone is EPIPE, not a signal") {
    const DescriptorLedger ledger;
    auto [ours, theirs] = Socket::pair();
    theirs.close();
    const std::array<ByteView, 2> pieces{bytes_of("a"), bytes_of("b")};
    CHECK(is(ours.write(bytes_of("x")), IoState::error, 0, EPIPE));
    CHECK(is(ours.write(pieces), IoState::error, 0, EPIPE));
}

TEST_CASE("a full kernel takes a part, then nothing") {
    const DescriptorLedger ledger;
    auto [ours, theirs] = Socket::pair();
    const std::string block(4'000'000, 'b');
    const IoResult part = ours.write(bytes_of(block));
    CHECK(part.state == IoState::ok);
    CHECK_LT(part.bytes, block.size());
    IoResult result = part;
    while (result.state == IoState::ok) result = ours.write(bytes_of(block));
    CHECK(is(result, IoState::would_block));
    const std::array<ByteView, 1> piece{bytes_of(block)};
    CHECK(is(ours.write(piece), IoState::would_block));
}

TEST_CASE("S3 of more than IOV_MAX pieces the first IOV_MAX that hold something are taken") {
    const DescriptorLedger ledger;
    auto [ours, theirs] = Socket::pair();
    std::string text;
    for (int place = 0; place < 3000; ++place) text += static_cast<char>('a' + place % 26);
    std::vector<ByteView> pieces;
    for (std::size_t place = 0; place < text.size(); ++place) {
        pieces.push_back(bytes_of(std::string_view{text}.substr(place, 1)));
        pieces.emplace_back(); // empty ones take no room
    }
    CHECK(is(ours.write(pieces), IoState::ok, IOV_MAX));
    CHECK_EQ(read_text(theirs), text.substr(0, IOV_MAX));
    pieces.resize(2 * IOV_MAX);
    CHECK(is(ours.write(pieces), IoState::ok, IOV_MAX));
    CHECK_EQ(read_text(theirs), text.substr(0, IOV_MAX));
}

TEST_CASE("S16 an interrupted call is repeated") {
    const DescriptorLedger ledger;
    auto [ours, theirs] = Socket::pair();
    const std::array<ByteView, 2> pieces{bytes_of("cd"), bytes_of("ef")};
    {
        const CallHook hook{failing("send", EINTR, 3)};
        CHECK(is(ours.write(bytes_of("ab")), IoState::ok, 2));
    }
    {
        const CallHook hook{failing("sendmsg", EINTR, 3)};
        CHECK(is(ours.write(pieces), IoState::ok, 4));
    }
    {
        const CallHook hook{failing("recv", EINTR, 3)};
        CHECK_EQ(read_text(theirs), "abcdef");
    }
    Socket listener = Socket::listen(Address::ipv4_loopback(0));
    const Fd client = tcp_client(listener.local().port());
    await(listener, POLLIN);
    const CallHook hook{failing("accept4", EINTR, 3)};
    CHECK_EQ(listener.accept().error, 0);
}

TEST_CASE("S16 would-block is a state, ENOBUFS is an error with its number") {
    const DescriptorLedger ledger;
    auto [ours, theirs] = Socket::pair();
    for (const int error : {ENOBUFS, ENOMEM, ECONNRESET, ETIMEDOUT}) {
        const CallHook hook{failing("send", error)};
        CHECK(is(ours.write(bytes_of("x")), IoState::error, 0, error));
    }
    const CallHook hook{failing("send", EWOULDBLOCK)};
    CHECK(is(ours.write(bytes_of("x")), IoState::would_block));
}

TEST_CASE("short transfers are reported as they are") {
    const DescriptorLedger ledger;
    auto [ours, theirs] = Socket::pair();
    const CallHook hook{[](const CallPoint&) { return at_most(3); }};
    const std::array<ByteView, 2> pieces{bytes_of("ab"), bytes_of("cdef")};
    CHECK(is(ours.write(bytes_of("12345")), IoState::ok, 3));
    CHECK(is(ours.write(pieces), IoState::ok, 3));
    CHECK_EQ(read_text(theirs), "123");
    CHECK_EQ(read_text(theirs), "abc");
}

TEST_CASE("the read, write and accept of a faulty kernel leak no descriptor") {
    const DescriptorLedger ledger;
    for (const std::string_view call :
         {"socket", "setsockopt", "bind", "listen", "socketpair", "fcntl", "getsockopt"}) {
        const CallHook hook{failing(call, ENOMEM)};
        const std::string text = failure([] {
            const Socket listener = Socket::listen(Address::ipv4_loopback(0));
            auto pair = Socket::pair();
            const Socket adopted = Socket::adopt(pair.first.release());
        });
        CHECK_MESSAGE(text.starts_with(call), text);
        CHECK_MESSAGE(text.ends_with(": Cannot allocate memory"), text);
    }
}

TEST_CASE("options cross to the kernel and back with their types") {
    const DescriptorLedger ledger;
    auto [server, client] = tcp_sockets();
    CHECK_FALSE(client.get(option::no_delay));
    client.set(option::no_delay, true);
    CHECK(client.get(option::no_delay));
    client.set(option::cork, true);
    CHECK(client.get(option::cork));
    client.set(option::quick_ack, false);
    CHECK_FALSE(client.get(option::quick_ack));
    client.set(option::keep_alive, true);
    client.set(option::keep_idle, 2min);
    client.set(option::keep_interval, 7s);
    client.set(option::keep_count, 3);
    CHECK(client.get(option::keep_alive));
    CHECK_EQ(client.get(option::keep_idle).count(), 120);
    CHECK_EQ(client.get(option::keep_interval).count(), 7);
    CHECK_EQ(client.get(option::keep_count), 3);
    client.set(option::user_timeout, 30s);
    CHECK_EQ(client.get(option::user_timeout).count(), 30'000);
    client.set(option::unsent_low_water, 16384);
    CHECK_EQ(client.get(option::unsent_low_water), 16384);
    client.set(option::receive_low_water, 10);
    CHECK_EQ(client.get(option::receive_low_water), 10);
    client.set(option::send_buffer, 50'000);
    client.set(option::receive_buffer, 50'000);
    CHECK_EQ(client.get(option::send_buffer), 100'000); // doubled: socket(7)
    CHECK_EQ(client.get(option::receive_buffer), 100'000);
    CHECK_FALSE(client.get(option::linger).has_value());
    client.set(option::linger, 5s);
    CHECK(client.get(option::linger) == 5s);
    client.set(option::linger, std::nullopt);
    CHECK_FALSE(client.get(option::linger).has_value());
    CHECK_EQ(client.get(option::type), SOCK_STREAM);
    CHECK_EQ(client.get(option::error), 0);
    CHECK_FALSE(client.get(option::accepting));
    Socket listener = Socket::listen(Address::ipv4_loopback(0));
    listener.set(option::defer_accept, 1s);
    CHECK_EQ(listener.get(option::defer_accept).count(), 1);
}

TEST_CASE("an option's value that does not fit is refused, not cut") {
    const DescriptorLedger ledger;
    Socket socket = Socket::open(AF_INET);
    CHECK_EQ(failure([&] { socket.set(option::keep_idle, std::chrono::seconds::max()); }),
             "setsockopt TCP_KEEPIDLE: Invalid argument");
    CHECK_EQ(failure([&] { socket.set(option::linger, 4'294'967'296s); }),
             "setsockopt SO_LINGER: Invalid argument");
    CHECK_EQ(failure([&] { socket.set(option::linger, -1s); }),
             "setsockopt SO_LINGER: Invalid argument");
    CHECK_EQ(failure([&] { socket.set(option::user_timeout, 600h * 24); }),
             "setsockopt TCP_USER_TIMEOUT: Invalid argument");
    CHECK_EQ(failure([&] { socket.set(option::type, SOCK_DGRAM); }),
             "setsockopt SO_TYPE: Protocol not available");
}

TEST_CASE("closing with linger zero resets") {
    const DescriptorLedger ledger;
    auto [server, client] = tcp_sockets();
    reset(std::move(server));
    await(client, POLLIN);
    CHECK(is(read_once(client), IoState::error, 0, ECONNRESET));
}
