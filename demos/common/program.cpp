#include "program.hpp"

#include <csignal>
#include <fcntl.h>
#include <iostream>
#include <pollux/instruments/calls.hpp>
#include <pollux/signals.hpp>
#include <stdexcept>
#include <sys/resource.h>
#include <unistd.h>
#include <utility>

namespace demos {

using namespace pollux;

namespace {

constexpr std::chrono::seconds patience{1}; // with clients that do not end, on the way out

int fail(const CLI::App& app, std::string_view message) {
    std::cerr << app.get_name() << ": " << message << '\n';
    return 2;
}

// Where one of the standard streams is closed its number would go to a socket, and messages with
// it.
void keep_standard_streams() {
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd)
        if (::fcntl(fd, F_GETFD) < 0) static_cast<void>(::open("/dev/null", O_RDWR));
}

Backend backend_of_environment() {
    try {
        return default_backend();
    } catch (const std::invalid_argument& error) {
        throw std::invalid_argument{std::string{"POLLUX_BACKEND: "} + error.what()};
    }
}

} // namespace

EventLoop CommonOptions::make_loop() const {
    const Backend chosen = backend ? *backend : backend_of_environment();
    if (!make_reactor(chosen)->supports(trigger))
        throw std::invalid_argument{std::string{to_string(chosen)} + " does not support " +
                                    std::string{to_string(trigger)} +
                                    "-triggered watches; only epoll does"};
    return EventLoop{chosen};
}

void add_common_options(CLI::App& app, CommonOptions& options) {
    app.add_option("--host", options.host,
                   "address: 127.0.0.1, ::1, unix:/path or unix:@name (without port)")
        ->capture_default_str();
    app.add_option("--port", options.port, "port; a server given 0 picks a free one")
        ->check(CLI::Range(0, 65535))
        ->capture_default_str();
    app.add_option_function<std::string>(
           "--backend", [&](const std::string& name) { options.backend = parse_backend(name); },
           "kernel facility; the default is that of POLLUX_BACKEND, or else epoll")
        ->option_text("select|poll|epoll");
    app.add_option_function<std::string>(
           "--trigger", [&](const std::string& name) { options.trigger = parse_trigger(name); },
           "when a ready descriptor is reported again; the default is level, edge needs epoll")
        ->option_text("level|edge|one-shot");
}

int run(CLI::App& app, int argc, char** argv, const std::function<int()>& body) {
    keep_standard_streams();
    std::signal(SIGPIPE, SIG_IGN);
    try {
        app.parse(argc, argv);
        return body();
    } catch (const CLI::Success& success) { // --help
        return app.exit(success);
    } catch (const std::exception& error) {
        return fail(app, error.what());
    }
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
    EventLoop loop = options_.make_loop();

    // One connection's trouble is its own: it is closed, and the reason is in the statistics.
    handlers.on_error = [](const std::exception_ptr&) {};
    ServerOptions options;
    options.connection.trigger = options_.trigger;
    Server server{loop, options_.address(), std::move(handlers), options};

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
    // From here on signals are heard, so whoever reads this line may send one.
    std::cout << "listening on " << server.address().to_string() << std::endl;
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
