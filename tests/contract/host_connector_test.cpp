// Connecting by name: a look-up that gives chosen addresses, and attempts as of RFC 8305.

#include "support/connecting.hpp"
#include "support/contract.hpp"
#include "support/failing_memory.hpp"
#include "support/gate.hpp"
#include "support/streams.hpp"

#include <cerrno>
#include <fcntl.h>
#include <netdb.h>
#include <new>
#include <optional>
#include <pollux/instruments/call_hook.hpp>
#include <pollux/stream/host_connector.hpp>
#include <string>
#include <vector>

using namespace pollux;
using namespace pollux_test;
using namespace std::chrono_literals;

namespace {

using Addresses = std::vector<Address>;

// So long that no real clock gets there: what happens happens for another reason.
constexpr auto patience = 24h;
constexpr HostConnectorOptions slow{.attempt_delay = 1h};

// What a connector's completion was called with.
struct Outcome {
    std::vector<std::error_code> errors;
    Socket socket;

    Connector::Completion note() {
        return [this](Socket connected, std::error_code error) {
            errors.push_back(error);
            socket = std::move(connected);
        };
    }
    bool only(std::error_code error) const {
        return errors.size() == 1 && errors[0] == error && static_cast<bool>(socket) == !error;
    }
    bool only(int error) const { return only({error, std::generic_category()}); }
};

// A resolver whose every host has these addresses.
struct Names {
    WorkerPool pool{{.threads = 1}};
    Resolver resolver;

    Names(EventLoop& loop, Addresses addresses)
        : resolver{loop, pool,
                   [addresses = std::move(addresses)](auto, auto, auto) { return addresses; }} {}
};

Address address_of(const Fd& listener) {
    return Address::ipv4_loopback(static_cast<std::uint16_t>(port_of(listener)));
}

// Counts the connects, and lets each fail as it is told; a zero, or none, is the kernel's answer.
// To be made before the threads of the test are.
class Connects {
public:
    explicit Connects(std::vector<int> errors = {})
        : hook_{[this, errors = std::move(errors)](const CallPoint& call) {
              CallOutcome outcome;
              if (call.name == "socket") families_.push_back(call.fd);
              if (call.name == "connect") {
                  sockets_.push_back(call.fd);
                  if (call.nth <= errors.size()) outcome.error = errors[call.nth - 1];
              }
              return outcome;
          }} {}

    int made() const { return static_cast<int>(sockets_.size()); }
    // The sockets that were connected, and the families of those that were made.
    const std::vector<int>& sockets() const { return sockets_; }
    const std::vector<int>& families() const { return families_; }

private:
    std::vector<int> sockets_;
    std::vector<int> families_;
    CallHook hook_;
};

} // namespace

CONTRACT_CASE("C10 by name: a literal address, later, and without the pool", everywhere) {
    EventLoop loop{mode.backend};
    const Fd listener = tcp_listener();
    Names names{loop, {}};
    Outcome outcome;
    const HostConnector connector{
        loop, names.resolver, "127.0.0.1", std::to_string(port_of(listener)), patience,
        {},   outcome.note()};
    CHECK(outcome.errors.empty());
    run_until(loop, [&] { return !outcome.errors.empty(); });
    settle(loop);
    CHECK(outcome.only(0));
    CHECK_EQ(outcome.socket.peer(), address_of(listener));
}

CONTRACT_CASE("C10 by name: the first is refused, and the second tried at once", everywhere) {
    EventLoop loop{mode.backend};
    const Fd listener = tcp_listener();
    const ClosedPort nobody;
    Names names{loop, {nobody.address, address_of(listener)}};
    Outcome outcome;
    const HostConnector connector{loop,     names.resolver, "host",        "80",
                                  patience, slow,           outcome.note()};
    run_until(loop, [&] { return !outcome.errors.empty(); });
    settle(loop);
    CHECK(outcome.only(0));
    CHECK_EQ(outcome.socket.peer(), address_of(listener));
}

CONTRACT_CASE("X4 by name: no memory when the addresses are known: told once", everywhere) {
    const Fd listener = tcp_listener(64);
    int refused = 0;
    for (int nth = 1; nth <= 20; ++nth) {
        INFO("allocation ", nth);
        EventLoop loop{mode.backend};
        Names names{loop, {address_of(listener)}};
        Outcome outcome;
        outcome.errors.reserve(1);
        const HostConnector connector{loop,     names.resolver, "host",        "80",
                                      patience, slow,           outcome.note()};
        const FailingMemory none{nth};
        while (outcome.errors.empty()) {
            try {
                loop.run_once();
            } catch (const std::bad_alloc&) { // of the wait itself, which is made again
                REQUIRE(mode.is(Backend::poll));
            }
        }
        CHECK((outcome.only(0) || outcome.only(ENOMEM)));
        if (outcome.only(ENOMEM)) ++refused;
    }
    CHECK_GE(refused, 3);
}

CONTRACT_CASE("C10 by name: the first is silent, and the second tried after the delay",
              everywhere) {
    EventLoop loop{mode.backend};
    const FullListener silent;
    const Fd listener = tcp_listener();
    const Connects connects;
    Names names{loop, {silent.address, address_of(listener)}};
    Outcome outcome;
    const HostConnector connector{loop,     names.resolver, "host",        "80",
                                  patience, slow,           outcome.note()};
    run_until(loop, [&] { return connects.made() == 1; });
    FakeClock clock;
    clock.advance(59min);
    settle(loop);
    CHECK_EQ(connects.made(), 1);
    clock.advance(1min);
    settle(loop);
    CHECK_EQ(connects.made(), 2);
    run_until(loop, [&] { return !outcome.errors.empty(); });
    clock.advance(patience); // no deadline is left
    settle(loop);
    CHECK(outcome.only(0));
    CHECK_EQ(outcome.socket.peer(), address_of(listener));
    CHECK_EQ(::fcntl(connects.sockets()[0], F_GETFD), -1); // the other was given up
}

// Once, as the kernel takes a second until it tries again.
CONTRACT_CASE("C10 by name: the first may win after the second has begun", on_edge) {
    EventLoop loop{mode.backend};
    FullListener first;
    const FullListener second;
    const Connects connects;
    Names names{loop, {first.address, second.address}};
    Outcome outcome;
    const HostConnector connector{loop,     names.resolver,         "host",        "80",
                                  patience, {.attempt_delay = 1ms}, outcome.note()};
    run_until(loop, [&] { return connects.made() == 2; });
    Socket listener = Socket::adopt(std::move(first.listener));
    CHECK_EQ(listener.accept().error, 0);
    run_until(loop, [&] { return !outcome.errors.empty(); });
    settle(loop);
    CHECK(outcome.only(0));
    CHECK_EQ(outcome.socket.peer(), first.address);
}

CONTRACT_CASE("C10 by name: the families take turns, the resolver's first one first", everywhere) {
    EventLoop loop{mode.backend};
    const Address v6 = Address::ipv6_loopback(9);
    const Address v4 = Address::ipv4_loopback(9);
    const auto families = [&](const Addresses& addresses) {
        const Connects connects{std::vector<int>(addresses.size(), ECONNREFUSED)};
        Names names{loop, addresses};
        Outcome outcome;
        const HostConnector connector{loop,     names.resolver, "host",        "80",
                                      patience, slow,           outcome.note()};
        run_until(loop, [&] { return !outcome.errors.empty(); });
        CHECK(outcome.only(ECONNREFUSED));
        return connects.families();
    };
    using Families = std::vector<int>;
    CHECK_EQ(families({v6, v6, v6, v4, v4}),
             Families{AF_INET6, AF_INET, AF_INET6, AF_INET, AF_INET6});
    CHECK_EQ(families({v4, v6, v6, v6}), Families{AF_INET, AF_INET6, AF_INET6, AF_INET6});
    CHECK_EQ(families({v4, v4}), Families{AF_INET, AF_INET});
}

CONTRACT_CASE("C10 by name: all fail, and the most telling error is given once", everywhere) {
    EventLoop loop{mode.backend};
    const auto error = [&](const std::vector<int>& errors) {
        const Connects connects{errors};
        Names names{loop, Addresses(errors.size(), Address::ipv4_loopback(9))};
        Outcome outcome;
        const HostConnector connector{loop,     names.resolver, "host",        "80",
                                      patience, slow,           outcome.note()};
        run_until(loop, [&] { return !outcome.errors.empty(); });
        settle(loop);
        CHECK_EQ(outcome.errors.size(), 1);
        CHECK_EQ(connects.made(), static_cast<int>(errors.size()));
        return outcome.errors[0].value();
    };
    CHECK_EQ(error({ECONNREFUSED, ECONNRESET}), ECONNRESET);
    CHECK_EQ(error({ECONNREFUSED, ENETUNREACH}), ECONNREFUSED);
    CHECK_EQ(error({ENETUNREACH, ECONNREFUSED, EADDRNOTAVAIL}), ECONNREFUSED);
    CHECK_EQ(error({ENETUNREACH, EADDRNOTAVAIL}), ENETUNREACH);
}

CONTRACT_CASE("C10 by name: a name that has no address", everywhere) {
    EventLoop loop{mode.backend};
    Names names{loop, {}};
    Outcome outcome;
    const HostConnector connector{loop, names.resolver, "host", "80", patience, {}, outcome.note()};
    run_until(loop, [&] { return !outcome.errors.empty(); });
    settle(loop);
    CHECK(outcome.only(std::error_code{EAI_NONAME, resolve_category()}));
}

CONTRACT_CASE("C12 by name: one deadline for all attempts", everywhere) {
    EventLoop loop{mode.backend};
    const FullListener first;
    const FullListener second;
    const Connects connects;
    const ClosedPort nobody;
    Names names{loop, {nobody.address, first.address, second.address}};
    Outcome outcome;
    const HostConnector connector{loop, names.resolver, "host", "80", 90min, slow, outcome.note()};
    run_until(loop, [&] { return connects.made() == 2; });
    FakeClock clock;
    clock.advance(61min);
    settle(loop);
    CHECK_EQ(connects.made(), 3);
    CHECK(outcome.errors.empty());
    clock.advance(29min);
    settle(loop);
    CHECK(outcome.only(ETIMEDOUT));
}

CONTRACT_CASE("C12 by name: the deadline covers the look-up, whose answer is no news then",
              everywhere) {
    EventLoop loop{mode.backend};
    Gate gate;
    WorkerPool pool{{.threads = 1}};
    const Fd listener = tcp_listener();
    Resolver resolver{loop, pool, [&](auto, auto, auto) {
                          gate.wait();
                          return Addresses{address_of(listener)};
                      }};
    Outcome outcome;
    const HostConnector connector{loop, resolver, "host", "80", 1h, {}, outcome.note()};
    {
        FakeClock clock;
        clock.advance(1h);
        settle(loop);
        CHECK(outcome.only(ETIMEDOUT));
    }
    bool looked_up = false;
    CHECK(pool.submit(
        loop, [] {}, [&](const WorkResult<void>&) { looked_up = true; }));
    gate.open();
    run_until(loop, [&] { return looked_up; });
    settle(loop);
    CHECK(outcome.only(ETIMEDOUT));
}

CONTRACT_CASE("C12 by name: no time at all", everywhere) {
    EventLoop loop{mode.backend};
    const Fd listener = tcp_listener();
    const Connects connects;
    Names names{loop, {}};
    Outcome outcome;
    const HostConnector connector{
        loop, names.resolver, "127.0.0.1", std::to_string(port_of(listener)), {},
        {},   outcome.note()};
    run_until(loop, [&] { return !outcome.errors.empty(); });
    settle(loop);
    CHECK(outcome.only(ETIMEDOUT));
    CHECK_EQ(connects.made(), 0);
}

CONTRACT_CASE("C11 by name: destroyed in the middle, nothing is called and nothing is left",
              everywhere) {
    EventLoop loop{mode.backend};
    const FullListener first;
    const FullListener second;
    const Connects connects;
    Names names{loop, {first.address, second.address}};
    Outcome outcome;
    const HostConnectorOptions quick{.attempt_delay = 1ms};
    {
        const HostConnector looking{loop,     names.resolver, "host",        "80",
                                    patience, quick,          outcome.note()};
    }
    {
        const HostConnector connecting{loop,     names.resolver, "host",        "80",
                                       patience, quick,          outcome.note()};
        run_until(loop, [&] { return connects.made() == 2; });
    }
    settle(loop);
    CHECK(outcome.errors.empty());
    CHECK_EQ(connects.made(), 2);
}

CONTRACT_CASE("C11 by name: the completion destroys its connector", everywhere) {
    EventLoop loop{mode.backend};
    const Fd listener = tcp_listener();
    const FullListener silent;
    const ClosedPort nobody;
    struct Way {
        Addresses addresses;
        Clock::duration timeout;
    };
    for (const Way& way :
         {Way{{silent.address, address_of(listener)}, patience}, Way{{nobody.address}, patience},
          Way{{}, patience}, Way{{silent.address}, 1ms}}) {
        Names names{loop, way.addresses};
        std::optional<HostConnector> connector;
        int calls = 0;
        connector.emplace(loop, names.resolver, "host", "80", way.timeout,
                          HostConnectorOptions{.attempt_delay = 1ms},
                          [&](const Socket&, std::error_code) {
                              connector.reset();
                              ++calls;
                          });
        run_until(loop, [&] { return calls > 0; });
        settle(loop);
        CHECK_EQ(calls, 1);
    }
}

CONTRACT_CASE("C11 by name: one that was moved goes on, and one assigned to gives up", everywhere) {
    EventLoop loop{mode.backend};
    const Fd listener = tcp_listener();
    const FullListener silent;
    Names silence{loop, {silent.address}};
    Names names{loop, {address_of(listener)}};
    Outcome first;
    Outcome second;
    HostConnector connector{loop, silence.resolver, "host", "80", patience, {}, first.note()};
    HostConnector other{loop, names.resolver, "host", "80", patience, {}, second.note()};
    connector = std::move(other);
    run_until(loop, [&] { return !second.errors.empty(); });
    settle(loop);
    CHECK(second.only(0));
    CHECK(first.errors.empty());
}
