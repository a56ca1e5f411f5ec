// Torture of names: addresses are found, and connected to, on a thread and a loop.

#include "support/connecting.hpp"
#include "support/sockets.hpp"
#include "torture/torture.hpp"

#include <chrono>
#include <optional>
#include <pollux/stream/host_connector.hpp>
#include <pollux/stream/resolver.hpp>
#include <vector>

using namespace pollux;
using namespace pollux_test;

namespace {

// A loop, a thread and a resolver on both.
struct Names {
    explicit Names(Trial& in) : trial{in} {}

    bool set_up(const std::vector<Address>& known) {
        return trial.act([&] {
            if (!loop) loop.emplace(trial.mode.backend);
            if (!pool) pool.emplace(WorkerPoolOptions{.threads = 1});
            if (known.empty())
                resolver.emplace(*loop, *pool);
            else
                resolver.emplace(*loop, *pool, [known](auto, auto, auto) { return known; });
        });
    }

    // So that no other thread is at work when faults begin or end.
    void end_threads() {
        trial.act([this] {
            resolver.reset();
            pool.reset();
        });
    }

    Trial& trial;
    std::optional<EventLoop> loop;
    std::optional<WorkerPool> pool;
    std::optional<Resolver> resolver;
};

// Begins with `begin(error)`, whose callback tells of the end, and waits for that.
template <class Begin> bool done(Names& names, Begin begin) {
    std::optional<std::error_code> end;
    if (!names.trial.act([&] { begin(end); })) return false;
    names.trial.until(*names.loop, [&] { return end.has_value(); });
    if (end && *end) names.trial.report(end->category().name());
    return end && !*end;
}

template <class Job> void in_trial(Trial& trial, const std::vector<Address>& known, Job job) {
    Names names{trial};
    const bool right = names.set_up(known) && job(names);
    names.end_threads();
    trial.rest();
    trial.expect(names.set_up(known), "it can be set up again");
    trial.expect(job(names), "the next one is answered");
    names.end_threads();
    trial.go_on();
    trial.act([&] { names.loop.reset(); });
    trial.right(right);
}

void name_is_resolved(Trial& trial) {
    in_trial(trial, {}, [](Names& names) {
        Resolver::Query query;
        return done(names, [&](std::optional<std::error_code>& end) {
            query = names.resolver->resolve(
                "localhost", "80", {},
                [&end](const std::vector<Address>&, std::error_code error) { end = error; });
        });
    });
}

// The first address refuses.
void host_is_connected_to(Trial& trial) {
    const ClosedPort nobody;
    const Fd listener = tcp_listener();
    const std::vector<Address> known{
        nobody.address, Address::ipv4_loopback(static_cast<std::uint16_t>(port_of(listener)))};
    in_trial(trial, known, [&](Names& names) {
        std::optional<HostConnector> connector;
        const bool right = done(names, [&](std::optional<std::error_code>& end) {
            connector.emplace(*names.loop, *names.resolver, "host", "80", std::chrono::seconds{9},
                              HostConnectorOptions{}, [&end](Socket socket, std::error_code error) {
                                  socket.close();
                                  end = error;
                              });
        });
        const Fd accepted{::accept4(listener.get(), nullptr, nullptr, SOCK_NONBLOCK)};
        return right;
    });
}

} // namespace

CONTRACT_CASE("torture X1 X3 X4 resolver", everywhere) {
    torture(mode, "resolver", name_is_resolved, {.fake_clock = false});
}
CONTRACT_CASE("torture X1 X3 X4 host connector", everywhere) {
    torture(mode, "host connector", host_is_connected_to, {.fake_clock = false});
}
