// Deadlines, by a clock that moves only when the program waits.

#include "serving.hpp"

#include <algorithm>

using namespace pollux;
using namespace pollux_test;
using namespace std::chrono_literals;

CONTRACT_CASE("an idle client is cut when its time is over and not before", where_simulated) {
    const auto trial = [&](Simulation& simulation, Choices& choices) {
        ServerOptions options;
        options.connection.idle_timeout = 10s;
        Clock::time_point last_heard{};
        Clock::time_point closed_at{};
        NotingServer echo{mode, options, [&](ConnectionHandlers& handlers) {
                              handlers.on_data = [&](Connection&, ByteView bytes) {
                                  last_heard = simulation.now();
                                  return bytes.size();
                              };
                              handlers.on_close = [&](Connection&, const Closed& closed) {
                                  closed_at = simulation.now();
                                  expect(closed.reason == CloseReason::idle, "for being idle");
                              };
                          }};
        Clients clients{simulation, choices};
        clients.add(Script{}.send("a").wait(9s).send("b").wait(5s).send("c").read_to_end());
        pollux::run_until(echo.loop, [&] { return closed_at != Clock::time_point{}; });
        expect(closed_at - last_heard >= 10s, "not before its time");
        expect(closed_at - last_heard < 11s, "when its time is over");
        pollux::run_until(echo.loop, [&] { return clients.all_done(); });
        clients.check();
    };
    check_all(mode, thorough(100, 200), in_simulation(small_scope(), trial));
}

CONTRACT_CASE("timers fire in order and never early, whatever else happens", where_simulated) {
    const auto trial = [&](Simulation& simulation, Choices& choices) {
        NotingServer echo{mode};
        Clients clients{simulation, choices};
        clients.add(
            Script{}.send("abc").wait(20ms).send("def").expect("abcdef").end().expect_end());
        std::vector<std::size_t> fired;
        std::vector<Timer> timers;
        const Clock::time_point start = simulation.now();
        for (std::size_t i = 0; i < 4; ++i)
            timers.push_back(echo.loop.run_after(10ms * (1 + i / 2), [&, i] {
                expect(simulation.now() - start >= 10ms * (1 + i / 2), "never early");
                fired.push_back(i);
            }));
        echo.serve(clients);
        pollux::run_until(echo.loop, [&] { return fired.size() == 4; });
        expect(std::ranges::is_sorted(fired), "in order");
    };
    check_all(mode, thorough(100, 100), in_simulation(small_scope(), trial));
}
