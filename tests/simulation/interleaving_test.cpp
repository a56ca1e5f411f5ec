// An echo server in every order of things that a small scope has, and in many of a larger one.

#include "serving.hpp"

using namespace pollux;
using namespace pollux_test;

namespace {

Variations order_alone() {
    Variations vary = Variations::none();
    vary.order_of_actors = true;
    vary.order_of_events = true;
    return vary;
}

} // namespace

CONTRACT_CASE("two clients with six events each: in every order both are served", where_simulated) {
    const auto trial = [&](Simulation& simulation, Choices& choices) {
        NotingServer echo{mode};
        Clients clients{simulation, choices};
        for (int i = 0; i < 2; ++i)
            clients.add(Script{}.send("a").expect("a").end().expect_end().close());
        echo.serve(clients);
        expect(echo.seen.closed.size() == 2, "a connection for each client");
    };
    const Exploration found = check_all(mode, {.exhaustive_runs = 20'000, .random_runs = 0},
                                        in_simulation(small_scope(order_alone()), trial));
    CHECK(found.all);
    CHECK(found.runs == 924); // twelve events of which six are the first client's
}

CONTRACT_CASE(
    "S2 whatever is cut, late, out of order, interrupted or spurious, an echo keeps every "
    "byte",
    where_simulated) {
    const auto trial = [&](Simulation& simulation, Choices& choices) {
        NotingServer echo{mode};
        Clients clients{simulation, choices};
        for (unsigned i = 1; i <= 3; ++i) {
            const std::string bytes = pattern(std::size_t{700} * i, i);
            clients.add(Script{}.send(bytes).end().expect(bytes).expect_end());
        }
        echo.serve(clients);
        expect(echo.seen.closed.size() == 3, "a connection for each client");
        for (const Closed& closed : echo.seen.closed)
            expect(closed.reason == CloseReason::peer, "the client ended it");
    };
    check_all(mode, thorough(100, 300), in_simulation(small_scope(), trial));
}

CONTRACT_CASE("clients that leave at any step are closed once each, and others are served",
              where_simulated) {
    const auto trial = [&](Simulation& simulation, Choices& choices) {
        NotingServer echo{mode};
        Clients clients{simulation, choices};
        for (int i = 0; i < 2; ++i)
            clients.add(Script{}
                            .perhaps_leave()
                            .send("one")
                            .perhaps_leave()
                            .expect("one")
                            .send("two")
                            .perhaps_leave()
                            .end()
                            .perhaps_leave()
                            .expect("two")
                            .expect_end());
        const std::string bytes = pattern(50);
        clients.add(Script{}.send(bytes).expect(bytes).end().expect_end());
        pollux::run_until(echo.loop, [&] {
            return clients.all_done() && echo.server->connections().size() == 0;
        });
        clients.check();
        expect(echo.seen.closed.size() == static_cast<std::size_t>(echo.seen.opened),
               "one on_close for each on_open");
    };
    check_all(mode, thorough(300, 300), in_simulation(small_scope(), trial));
}

CONTRACT_CASE("what a visit leaves unread is read by the next, though no edge tells of it",
              where_simulated) {
    const auto trial = [&](Simulation& simulation, Choices& choices) {
        ServerOptions options;
        options.connection.read_size = 10; // so that a visit takes a few of these
        NotingServer echo{mode, options};
        Clients clients{simulation, choices};
        const std::string bytes = pattern(300);
        clients.add(Script{}.send(bytes).expect(bytes).end().expect_end());
        echo.serve(clients);
    };
    check_all(mode, thorough(20, 20), in_simulation(small_scope(), trial));
}
