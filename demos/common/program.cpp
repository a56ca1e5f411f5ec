#include "program.hpp"

#include <cstdlib>
#include <iostream>
#include <pollux/instruments/calls.hpp>
#include <pollux/signals.hpp>
#include <stdexcept>
#include <sys/resource.h>

namespace demos {

using namespace pollux;

namespace {

constexpr std::chrono::seconds patience{1}; // with clients that do not end, on the way out

int fail(const CLI::App& app, std::string_view message) {
    std::cerr << app.get_name() << ": " << message << '\n';
    return 2;
}

} // namespace

void add_common_options(CLI::App& app, CommonOptions& options) {
    options.backend = default_backend();
    app.add_option("--host", options.host,
                   "address: 127.0.0.1, ::1, unix:/path or unix:@name (without port)")
        ->capture_default_str();
    app.add_option("--port", options.port, "port; a server given 0 picks a free one")
        ->check(CLI::Range(0, 65535))
        ->capture_default_str();
    app.add_option_function<std::string>(
           "--backend", [&](const std::string& name) { options.backend = parse_backend(name); },
           "kernel facility; also by the environment variable POLLUX_BACKEND")
        ->option_text("select|poll|epoll (default " + std::string{to_string(options.backend)} +
                      ")");
    app.add_option_function<std::string>(
           "--trigger", [&](const std::string& name) { options.trigger = parse_trigger(name); },
           "when a ready descriptor is reported again")
        ->option_text("level|edge|one-shot (default level; edge needs epoll)");
}

int run(CLI::App& app, int argc, char** argv, const std::function<int()>& body) {
    try {
        app.parse(argc, argv);
        return body();
    } catch (const CLI::Success& success) { // --help
        return app.exit(success);
    } catch (const std::exception& error) {
        return fail(app, error.what());
    }
}

void require_trigger(const EventLoop& loop, Trigger trigger) {
    if (!loop.supports(trigger))
        throw std::invalid_argument{std::string{loop.name()} + " does not support " +
                                    std::string{to_string(trigger)} +
                                    "-triggered watches; only epoll does"};
}

std::size_t raise_descriptor_limit() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
    ::getrlimit(RLIMIT_NOFILE, &limit);
    return limit.rlim_cur;
}

ServerProgram::ServerProgram(const std::string& name, const std::string& description)
    : app_{description, name} {
    add_common_options(app_, options_);
    app_.add_flag("--stats", stats_,
                  "print one line of statistics to standard error at the end and on SIGUSR1");
}

int ServerProgram::run(int argc, char** argv, const std::function<ConnectionHandlers()>& handlers) {
    return demos::run(app_, argc, argv, [&] { return serve(handlers()); });
}

int ServerProgram::serve(ConnectionHandlers handlers) {
    raise_descriptor_limit();
    EventLoop loop{options_.backend};
    require_trigger(loop, options_.trigger);

    // One connection's trouble is its own: it is closed, and the reason is in the statistics.
    handlers.on_error = [](const std::exception_ptr&) {};
    ServerOptions options;
    options.connection.trigger = options_.trigger;
    Server server{loop, options_.address(), std::move(handlers), options};
    std::cout << "listening on " << server.address().to_string() << std::endl;

    bool leaving = false;
    const SignalWatch signals{loop, {SIGINT, SIGTERM, SIGUSR1}, [&](int signal) {
                                  if (signal == SIGUSR1) {
                                      if (stats_) std::cerr << stats_line(server) << std::endl;
                                  } else if (std::exchange(leaving, true)) {
                                      loop.stop();
                                  } else {
                                      server.drain(patience, [&] { loop.stop(); });
                                  }
                              }};
    loop.run();
    if (stats_) std::cerr << stats_line(server) << std::endl;
    return 0;
}

std::string stats_line(Server& server) {
    const ConnectionStats& stats = server.connections().stats();
    std::string line = "stats accepted=" + std::to_string(stats.opened) +
                       " open=" + std::to_string(server.connections().size()) +
                       " received=" + std::to_string(stats.received) +
                       " sent=" + std::to_string(stats.sent) +
                       " shed=" + std::to_string(server.shed());
    for (std::size_t reason = 0; reason < stats.closed.size(); ++reason)
        if (stats.closed[reason] > 0)
            line += " closed." + std::string{to_string(static_cast<CloseReason>(reason))} + "=" +
                    std::to_string(stats.closed[reason]);
    for (const CallCount& call : call_counts()) {
        line += " calls." + std::string{call.name} + "=" + std::to_string(call.made);
        if (call.would_block > 0)
            line += " blocked." + std::string{call.name} + "=" + std::to_string(call.would_block);
    }
    return line;
}

} // namespace demos
