// Clients that read late, or never.

#include "serving.hpp"

#include <algorithm>

using namespace pollux;
using namespace pollux_test;

namespace {

constexpr std::size_t high_water = 2000;

ServerOptions tight() {
    ServerOptions options;
    options.connection.high_water = high_water;
    options.connection.low_water = 500;
    options.connection.read_size = 1000;
    options.connection.output_limit = high_water + std::size_t{8} * options.connection.read_size;
    return options;
}

SimulationOptions small_buffers() {
    SimulationOptions options = small_scope();
    options.send_buffer = 1024;
    options.receive_buffer = 1024;
    return options;
}

} // namespace

CONTRACT_CASE("S12 what waits for a client is bounded, and it gets all when it reads",
              where_simulated) {
    const auto trial = [&](Simulation& simulation, Choices& choices) {
        std::uint64_t most = 0;
        NotingServer echo{mode, tight(), [&](ConnectionHandlers& handlers) {
                              handlers.on_data = [&](Connection& connection, ByteView bytes) {
                                  connection.send(bytes);
                                  most = std::max(most, connection.queued());
                                  return bytes.size();
                              };
                          }};
        Clients clients{simulation, choices};
        const std::string first = pattern(3000, 1);
        const std::string second = pattern(3000, 2);
        clients.add(Script{}
                        .send(first)
                        .wait(std::chrono::seconds{5})
                        .expect(first)
                        .send(second)
                        .expect(second)
                        .end()
                        .expect_end());
        echo.serve(clients);
        expect(most <= tight().connection.output_limit, "what waits is bounded");
    };
    check_all(mode, thorough(50, 150), in_simulation(small_buffers(), trial));
}

CONTRACT_CASE("S13 a client that never reads is cut at the output limit, and others are served",
              where_simulated) {
    const auto trial = [&](Simulation& simulation, Choices& choices) {
        NotingServer echo{mode, tight(), [](ConnectionHandlers& handlers) {
                              handlers.on_open = [](Connection& connection) {
                                  if (!connection.send(std::string(20'000, 'x')))
                                      expect(connection.queued() == 0, "nothing is kept");
                              };
                          }};
        Clients clients{simulation, choices};
        for (int i = 0; i < 2; ++i) clients.add(Script{}.may_be_cut().end().read_to_end());
        pollux::run_until(echo.loop,
                          [&] { return clients.all_done() && echo.seen.closed.size() == 2; });
        clients.check();
        for (const Closed& closed : echo.seen.closed)
            expect(closed.reason == CloseReason::output_limit, "the limit cut it");
    };
    check_all(mode, thorough(50, 100), in_simulation(small_buffers(), trial));
}
