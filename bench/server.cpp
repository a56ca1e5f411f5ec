// The server that is measured: one program with every axis as an option, so that two that differ
// in one thing differ in nothing else.
//
//     bench_server --backend epoll --trigger edge --drain --read-size 4KiB
//
// bench_server_hooked is the same with its system calls counted (--stats).

#include "server/handlers.hpp"
#include "server/settings.hpp"
#include "server/toggling_echo.hpp"

#include <pollux/loop_pool.hpp>
#include <pollux/stream/server_pool.hpp>
#include <string>

using namespace pollux;

namespace {

constexpr std::chrono::seconds patience{1}; // with clients that do not end, on the way out

void serve(const bench::Settings& settings, EventLoop& loop, const Address& address,
           std::function<std::string()> stats, const std::function<void()>& leave) {
    if (!settings.stats) stats = nullptr;
    demos::serve(loop, address, settings.common.sandbox, stats, leave);
}

void count_accepted(demos::Counters& counters, int place, std::uint64_t accepted) {
    counters.count("loop." + std::to_string(place) + ".accepted", accepted);
}

void serve_on_one_loop(const bench::Settings& settings, EventLoop& loop) {
    Server server{loop, settings.common.address(), bench::handlers_for(settings), settings.server};
    const auto stats = [&] {
        demos::Counters counters;
        count_accepted(counters, 0, server.connections().stats().opened);
        return demos::stats_line(server, counters);
    };
    serve(settings, loop, server.address(), stats,
          [&] { server.drain(patience, [&] { loop.stop(); }); });
}

// The given loop hears signals; connections are on those of the pool.
void serve_on_many_loops(const bench::Settings& settings, EventLoop& loop) {
    LoopPool pool{{.loops = static_cast<std::size_t>(settings.loops),
                   .backend = parse_backend(loop.name()),
                   .loop = settings.common.loop_options()}};
    ServerPool server{pool,
                      settings.common.address(),
                      [&](std::size_t, EventLoop&) { return bench::handlers_for(settings); },
                      {.spread = settings.spread, .server = settings.server}};
    const auto stats = [&] {
        demos::Counters counters;
        std::size_t open = 0;
        for (int place = 0; place < settings.loops; ++place) {
            const auto at = static_cast<std::size_t>(place);
            open += server.load(at);
            count_accepted(counters, place, pool.call(at, [&](EventLoop&) {
                return server.connections(at).stats().opened;
            }));
        }
        return demos::stats_line(server.stats(), open, server.shed(), counters);
    };
    serve(settings, loop, server.address(), stats,
          [&] { server.drain(patience, [&] { loop.post([&] { loop.stop(); }); }); });
}

void serve_toggling(const bench::Settings& settings, EventLoop& loop) {
    bench::TogglingEcho echo{loop,
                             settings.common.address(),
                             {.accept = {.trigger = settings.common.trigger,
                                         .accepts_per_visit = settings.server.accepts_per_visit},
                              .listen = settings.server.listen,
                              .read_size = settings.server.connection.read_size,
                              .work = settings.work()}};
    const auto stats = [&] {
        demos::Counters counters;
        count_accepted(counters, 0, echo.accepted());
        return "stats accepted=" + std::to_string(echo.accepted()) +
               " open=" + std::to_string(echo.open()) + counters.to_string() + demos::calls_made();
    };
    serve(settings, loop, echo.address(), stats, [&] { loop.stop(); });
}

int run(bench::Settings& settings) {
    settings.check();
    settings.server.connection.trigger = settings.common.trigger;
    if (settings.idle_timeout > std::chrono::milliseconds{0})
        settings.server.connection.idle_timeout = settings.idle_timeout;
    settings.server.connection.input_limit += settings.request; // unfinished ones wait there
    settings.server.connection.output_limit += settings.answer;
    demos::raise_descriptor_limit();
    EventLoop loop = settings.common.make_loop();
    if (settings.serve == bench::Serve::toggling)
        serve_toggling(settings, loop);
    else if (settings.loops == 1)
        serve_on_one_loop(settings, loop);
    else
        serve_on_many_loops(settings, loop);
    return 0;
}

} // namespace

int main(int argc, char** argv) {
    demos::Options options{"bench_server", "The server that is measured, with every axis as an "
                                           "option."};
    bench::Settings settings;
    settings.add_to(options);
    return demos::run(options, argc, argv, [&] { return run(settings); });
}
