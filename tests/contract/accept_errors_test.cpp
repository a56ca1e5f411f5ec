// C2 to C4 and P12 of the catalogue: whatever accept(2) answers, a listener neither spins, nor goes
// deaf, nor gives up.

#include "support/calls.hpp"
#include "support/contract.hpp"
#include "support/streams.hpp"

#include <cerrno>
#include <cstring>
#include <optional>
#include <poll.h>
#include <pollux/stream/listener.hpp>
#include <pollux/stream/server.hpp>
#include <sys/resource.h>
#include <sys/select.h>
#include <unistd.h>
#include <utility>
#include <vector>

using namespace pollux;
using namespace pollux_test;

namespace {

Socket listening() { return Socket::listen(Address::ipv4_loopback(0)); }

CallOutcome fail(int error) { return {.error = error, .result = {}, .at_most = {}}; }

// No descriptor can be had while it lives: the soft limit stands below the first free number.
class NoDescriptors {
public:
    NoDescriptors() {
        ::getrlimit(RLIMIT_NOFILE, &before_);
        const int free = ::dup(STDIN_FILENO);
        ::close(free);
        const rlimit none{.rlim_cur = static_cast<rlim_t>(free), .rlim_max = before_.rlim_max};
        REQUIRE_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
    }
    ~NoDescriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }
    NoDescriptors(const NoDescriptors&) = delete;
    NoDescriptors& operator=(const NoDescriptors&) = delete;

private:
    rlimit before_{};
};

Fd unconnected() { return Fd{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)}; }
void connect(const Fd& client, const Address& address) {
    REQUIRE_EQ(::connect(client.get(), address.data(), address.size()), 0);
}

} // namespace

CONTRACT_CASE("C2 an error of one connection, or of the network: the next is accepted",
              everywhere) {
    for (const int error : {ECONNABORTED, EINTR, EPROTO, EPERM, ENETDOWN, ENOPROTOOPT, EHOSTDOWN,
                            ENONET, EHOSTUNREACH, EOPNOTSUPP, ENETUNREACH, ETIMEDOUT}) {
        INFO(std::strerror(error));
        EventLoop loop{mode.backend};
        int accepted = 0;
        const Listener listener{
            loop, listening(), [&](Socket) { ++accepted; }, {.trigger = mode.trigger}};
        const Calls calls{[&](const CallPoint& call) {
            return call.name == "accept4" && call.nth <= 2 ? fail(error) : CallOutcome{};
        }};
        const Fd client = tcp_client(listener.address().port());
        run_until(loop, [&] { return accepted == 1; });
        settle(loop);
        CHECK_EQ(accepted, 1);
    }
}

CONTRACT_CASE("C2 nothing to accept after all: the listener waits for the next", everywhere) {
    EventLoop loop{mode.backend};
    int accepted = 0;
    const Listener listener{
        loop, listening(), [&](Socket) { ++accepted; }, {.trigger = mode.trigger}};
    const Calls calls{[&](const CallPoint& call) {
        return call.name == "accept4" && call.nth == 1 ? fail(EAGAIN) : CallOutcome{};
    }};
    const Fd first = tcp_client(listener.address().port());
    run_until(loop, [&] { return calls.of("accept4") > 0; });
    const Fd second = tcp_client(listener.address().port());
    run_until(loop, [&] { return accepted == 2; });
}

CONTRACT_CASE("C3 P12 bug-D2 without descriptors or memory: at most ten tries a second, and all "
              "are accepted when there is room",
              everywhere) {
    for (const int error : {EMFILE, ENFILE, ENOBUFS, ENOMEM}) {
        INFO(std::strerror(error));
        const FakeClock clock;
        EventLoop loop{mode.backend};
        int accepted = 0;
        const Listener listener{
            loop, listening(), [&](Socket) { ++accepted; }, {.trigger = mode.trigger}};
        bool exhausted = true;
        const Calls calls{[&](const CallPoint& call) {
            return call.name == "accept4" && exhausted ? fail(error) : CallOutcome{};
        }};
        std::vector<Fd> clients;
        clients.reserve(3);
        for (int i = 0; i < 3; ++i) clients.push_back(tcp_client(listener.address().port()));
        const auto start = Clock::now();
        while (Clock::now() - start < std::chrono::seconds{1}) loop.run_once();
        CHECK_LE(calls.waits(), 25);       // one for the event and one for the timer
        CHECK_LE(calls.of("accept4"), 24); // the last try has another with the reserve
        exhausted = false;
        run_until(loop, [&] { return accepted == 3; });
        CHECK_EQ(listener.shed(), 0);
    }
}

CONTRACT_CASE("C3 P12 how long a server pauses then is an option", everywhere) {
    const FakeClock clock;
    EventLoop loop{mode.backend};
    Seen seen;
    const Server server{
        loop,
        Address::ipv4_loopback(0),
        note(seen),
        {.connection = {.trigger = mode.trigger}, .accept_back_off = std::chrono::seconds{5}}};
    const Calls calls{[&](const CallPoint& call) {
        return call.name == "accept4" ? fail(ENOMEM) : CallOutcome{};
    }};
    const Fd client = tcp_client(server.address().port());
    const auto start = Clock::now();
    while (Clock::now() - start < std::chrono::seconds{19}) loop.run_once();
    CHECK_EQ(calls.of("accept4"), 4); // at 0, 5, 10 and 15 s
}

CONTRACT_CASE("C3 paused by the user meanwhile: it stays paused", everywhere) {
    FakeClock clock;
    EventLoop loop{mode.backend};
    int accepted = 0;
    Listener listener{loop, listening(), [&](Socket) { ++accepted; }, {.trigger = mode.trigger}};
    bool exhausted = true;
    const Calls calls{[&](const CallPoint& call) {
        return call.name == "accept4" && exhausted ? fail(ENOMEM) : CallOutcome{};
    }};
    const Fd client = tcp_client(listener.address().port());
    run_until(loop, [&] { return calls.of("accept4") == 1; });
    listener.pause();
    exhausted = false;
    clock.advance(std::chrono::seconds{1});
    settle(loop);
    CHECK_EQ(accepted, 0);
    listener.resume();
    run_until(loop, [&] { return accepted == 1; });
}

CONTRACT_CASE("C3 … and the kernel refuses to watch it again: it tries later", on_epoll) {
    const FakeClock clock;
    EventLoop loop{mode.backend};
    int accepted = 0;
    const Listener listener{
        loop, listening(), [&](Socket) { ++accepted; }, {.trigger = mode.trigger}};
    int refusals = 0;
    const Calls calls{[&](const CallPoint& call) {
        if (call.name == "accept4" && call.nth == 1) return fail(ENOMEM);
        // After the pause: the registration that follows is refused three times.
        if (call.name == "epoll_ctl" && call.nth >= 2 && refusals < 3) {
            ++refusals;
            return fail(ENOMEM);
        }
        return CallOutcome{};
    }};
    const Fd client = tcp_client(listener.address().port());
    run_until(loop, [&] { return accepted == 1; });
    CHECK_EQ(refusals, 3);
}

CONTRACT_CASE("C4 bug-B1 no descriptor is left: clients see the end and do not hang", everywhere) {
    EventLoop loop{mode.backend};
    int accepted = 0;
    const Listener listener{
        loop, listening(), [&](Socket) { ++accepted; }, {.trigger = mode.trigger}};
    const Address address = listener.address();
    const std::vector<Fd> clients = [] {
        std::vector<Fd> made;
        made.reserve(3);
        for (int i = 0; i < 3; ++i) made.push_back(unconnected());
        return made;
    }();
    {
        const NoDescriptors none;
        for (const Fd& client : clients) connect(client, address);
        run_until(loop, [&] { return listener.shed() == 3; });
        const Calls calls;
        settle(loop);
        CHECK_LE(calls.of("accept4"), 3); // the queue is empty: nothing to try for
    }
    for (const Fd& client : clients) {
        await(client, POLLIN);
        CHECK(at_end(client));
    }
    CHECK_EQ(accepted, 0);
    const Fd late = tcp_client(address.port());
    run_until(loop, [&] { return accepted == 1; });
}

CONTRACT_CASE("C4 … and none in reserve either: clients wait until there is one", everywhere) {
    const FakeClock clock;
    EventLoop loop{mode.backend};
    int accepted = 0;
    Socket socket = listening();
    const Address address = socket.local();
    const Fd client = unconnected();
    std::optional<Listener> listener;
    {
        const NoDescriptors none;
        listener.emplace(
            loop, std::move(socket), [&](Socket) { ++accepted; },
            AcceptOptions{.trigger = mode.trigger});
        connect(client, address);
        const Calls calls;
        const auto start = Clock::now();
        while (Clock::now() - start < std::chrono::seconds{1}) loop.run_once();
        CHECK_LE(calls.of("accept4"), 12);
        CHECK_EQ(accepted, 0);
    }
    run_until(loop, [&] { return accepted == 1; });
    CHECK_EQ(listener->shed(), 0);
}

CONTRACT_CASE("P12 a client that cannot be watched is closed, and the server serves on", on_epoll) {
    EventLoop loop{mode.backend};
    Seen seen;
    Server server{
        loop, Address::ipv4_loopback(0), note(seen), {.connection = {.trigger = mode.trigger}}};
    const Fd first = tcp_client(server.address().port());
    {
        bool accepted = false;
        const Calls calls{[&](const CallPoint& call) {
            if (call.name == "accept4") accepted = true;
            const bool refused = call.name == "epoll_ctl" && std::exchange(accepted, false);
            return refused ? fail(ENOSPC) : CallOutcome{};
        }};
        run_until(loop, [&] { return server.shed() == 1; });
    }
    await(first, POLLIN);
    CHECK(at_end(first));
    const Fd second = tcp_client(server.address().port());
    run_until(loop, [&] { return seen.opened == 1; });
}

CONTRACT_CASE("P12 select: a client whose number does not fit is closed, and the server serves on",
              on_select) {
    EventLoop loop{mode.backend};
    Seen seen;
    Server server{
        loop, Address::ipv4_loopback(0), note(seen), {.connection = {.trigger = mode.trigger}}};
    const Fd client = tcp_client(server.address().port());
    std::vector<Fd> ballast;
    while (ballast.empty() || ballast.back().get() < FD_SETSIZE - 1)
        ballast.emplace_back(::dup(STDIN_FILENO));
    run_until(loop, [&] { return server.shed() == 1; });
    await(client, POLLIN);
    CHECK(at_end(client));
    ballast.clear();
    const Fd second = tcp_client(server.address().port());
    run_until(loop, [&] { return seen.opened == 1; });
}
