#include "service_program.hpp"

#include <chrono>
#include <exception>
#include <thread>
#include <utility>

namespace demos {

using namespace pollux;

namespace {

std::string stats_line(const SocketServer& server) {
    const SocketServerStats stats = server.stats();
    return "stats accepted=" + std::to_string(stats.clients) +
           " shed=" + std::to_string(stats.shed) + calls_made();
}

} // namespace

ServiceProgram::ServiceProgram(const std::string& name, const std::string& description)
    : options_{name, description} {
    common_.add_to_server(options_);
    options_.text(
        "--model", "iterative|threads|pool|fork|reactor|multi|coroutine",
        [this](const std::string& model) { model_ = parse_model(model); },
        "how many clients are served at once; the default is reactor");
    options_.number("--threads", threads_, 0, 1000,
                    "threads of pool and multi; 0: one for each processor");
    options_.number("--max-connections", max_connections_, 1, 1'000'000'000,
                    "clients at once; others wait until one goes");
    options_.duration(
        "--idle-timeout", idle_timeout_,
        "a client from which nothing came, or which took nothing for so long, is cut");
    options_.flag("--udp", datagrams_, "serve datagrams: UDP, or of a Unix socket");
    options_.flag("--stats", stats_,
                  "print one line of statistics to standard error at the end and on SIGUSR1");
}

int ServiceProgram::run(int argc, char** argv, SessionFactory make_session) {
    return demos::run(options_, argc, argv, [&] { return serve(std::move(make_session)); });
}

SocketServerOptions ServiceProgram::service_options() const {
    SocketServerOptions options{.backend = common_.backend ? *common_.backend : default_backend()};
    options.model = model_;
    options.threads = static_cast<std::size_t>(threads_);
    if (datagrams_) options.listen.type = SOCK_DGRAM;
    options.max_clients = max_connections_;
    options.idle_timeout = idle_timeout_;
    options.drain_timeout = std::chrono::seconds{1};
    options.trigger = common_.trigger;
    options.loop = common_.loop_options();
    return options;
}

int ServiceProgram::serve(SessionFactory make_session) {
    raise_descriptor_limit();
    if (model_ == Model::fork) common_.sandbox.allow(Permission::fork);
    if (model_ == Model::multi && datagrams_) // each loop makes its own
        common_.sandbox.allow(Permission::make_sockets);
    CommonOptions of_control = common_;
    of_control.spin_microseconds = 0; // only signals come to it
    EventLoop control = of_control.make_loop();
    SocketServer server{common_.address(), std::move(make_session), service_options()};
    std::exception_ptr failure;
    std::thread serving;
    // Started by the loop: by then the signals are blocked, and a thread inherits that.
    control.post([&] {
        serving = std::thread{[&] {
            try {
                server.serve_forever();
            } catch (...) {
                failure = std::current_exception();
            }
            control.post([&] { control.stop(); });
        }};
    });
    std::function<std::string()> stats;
    if (stats_) stats = [&] { return stats_line(server); };
    demos::serve(control, server.address(), common_.sandbox, stats, [&] { server.shutdown(); });
    server.shutdown();
    if (serving.joinable()) serving.join();
    if (failure) std::rethrow_exception(failure);
    return 0;
}

} // namespace demos
