// The same without callbacks.

#include "coro/library.hpp"
#include "serving.hpp"

#include <pollux/coro/acceptor.hpp>

using namespace pollux;
using namespace pollux_test;

namespace {

coro::Task<> accept_all(coro::Scope& clients, coro::Acceptor acceptor, Trigger trigger) {
    for (;;) {
        Socket socket = co_await acceptor.accept();
        clients.start(echo({clients.loop(), std::move(socket), trigger}));
    }
}

} // namespace

CONTRACT_CASE("S2 an echo by coroutines keeps every byte, and destroying the scope leaves nothing",
              where_simulated) {
    const auto trial = [&](Simulation& simulation, Choices& choices) {
        EventLoop loop{mode.backend};
        coro::Scope tasks{loop};
        Socket listening = Socket::listen(Address::ipv4_loopback(7777));
        tasks.start(accept_all(tasks, {loop, std::move(listening), {.trigger = mode.trigger}},
                               mode.trigger));
        Clients clients{simulation, choices};
        for (unsigned i = 1; i <= 2; ++i) {
            const std::string bytes = pattern(std::size_t{400} * i, i);
            clients.add(Script{}.send(bytes).end().expect(bytes).expect_end());
        }
        clients.add(Script{}.send("stays")); // and is left when the scope goes
        pollux::run_until(loop, [&] { return clients.all_done(); });
        clients.check();
    };
    check_all(mode, thorough(100, 200), in_simulation(small_scope(), trial));
}
