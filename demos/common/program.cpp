#include "program.hpp"

#include "faults.hpp"

#include <csignal>
#include <fcntl.h>
#include <iostream>
#include <new>
#include <poll.h>
#include <pollux/instruments/calls.hpp>
#include <pollux/signals.hpp>
#include <stdexcept>
#include <sys/resource.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace demos {

using namespace pollux;

namespace {

constexpr std::chrono::seconds patience{1}; // with clients that do not end, on the way out

// Where one of the standard streams is closed its number would go to a socket, and messages with
// it.
void keep_standard_streams() {
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd)
        if (::fcntl(fd, F_GETFD) < 0) static_cast<void>(::open("/dev/null", O_RDWR));
}

// For want of memory a wait may fail, and a callback. The loop goes on where it was; nobody who is
// served need know.
void run_whatever_memory_there_is(EventLoop& loop) {
    constexpr int pause = 10; // milliseconds: some may come back meanwhile
    while (true) {
        try {
            return loop.run();
        } catch (const std::bad_alloc&) {
            ::poll(nullptr, 0, pause);
        } catch (const std::system_error& error) {
            if (error.code() != std::errc::not_enough_memory) throw;
            ::poll(nullptr, 0, pause);
        }
    }
}

void leave_or_stop(EventLoop& loop, const std::function<void()>& leave) {
    try {
        leave();
    } catch (const std::bad_alloc&) {
        loop.stop();
    }
}

Backend backend_of_environment() {
    try {
        return default_backend();
    } catch (const std::invalid_argument& error) {
        throw std::invalid_argument{std::string{"POLLUX_BACKEND: "} + error.what()};
    }
}

} // namespace

void CommonOptions::add_to_server(Options& options) {
    add(options, "address: 127.0.0.1, ::1, unix:/path or unix:@name (without port)",
        "port; 0 picks a free one");
    options.number(
        "--spin", spin_microseconds, 0, 1'000'000,
        "microseconds to look for work before sleeping, at most 1000000; 0: sleep at once");
    options.text(
        "--fault", "PLAN",
        [&options](const std::string& plan) { begin_faults(options.program(), plan); },
        "system calls that are to go wrong: accept4@3=EMFILE;... (demo_hooked only)");
    sandbox.add_to(options);
}

void CommonOptions::add_to_client(Options& options) {
    add(options, "host: a name, 127.0.0.1, ::1, unix:/path or unix:@name (without port)",
        "port of the server");
}

void CommonOptions::add(Options& options, const std::string& help_of_host,
                        const std::string& help_of_port) {
    options.text("--host", host, help_of_host);
    options.number("--port", port, 0, 65535, help_of_port);
    options.text(
        "--backend", "select|poll|epoll|adaptive|io_uring",
        [this](const std::string& name) { backend = parse_backend(name); },
        "kernel facility; the default is that of POLLUX_BACKEND, or else epoll");
    options.text(
        "--trigger", "level|edge|one-shot",
        [this](const std::string& name) { trigger = parse_trigger(name); },
        "when a ready descriptor is reported again; the default is level, edge needs epoll");
}

EventLoop CommonOptions::make_loop() const {
    const Backend chosen = backend ? *backend : backend_of_environment();
    if (!make_reactor(chosen)->supports(trigger))
        throw std::invalid_argument{std::string{to_string(chosen)} + " does not support " +
                                    std::string{to_string(trigger)} +
                                    "-triggered watches; only epoll does"};
    return EventLoop{chosen, loop_options()};
}

LoopOptions CommonOptions::loop_options() const {
    return {.spin = std::chrono::microseconds{spin_microseconds}};
}

int run(Options& options, int argc, char** argv, const std::function<int()>& body) {
    keep_standard_streams();
    std::signal(SIGPIPE, SIG_IGN);
    const FaultsUntilHere faults;
    try {
        return options.parse(argc, argv) ? body() : 0;
    } catch (const std::exception& error) {
        std::cerr << options.program() << ": " << error.what() << '\n';
        return 2;
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

void Counters::count(std::string_view name, std::uint64_t by) {
    const auto known = counted_.find(name);
    if (known != counted_.end())
        known->second += by;
    else
        counted_.emplace(name, by);
}

std::string Counters::to_string() const {
    std::string text;
    for (const auto& [name, number] : counted_) text += ' ' + name + '=' + std::to_string(number);
    return text;
}

void serve(EventLoop& loop, const Address& address, const Sandbox& sandbox,
           const std::function<std::string()>& stats, const std::function<void()>& leave) {
    Sandbox entered = sandbox;
    // What a ring is asked for is no system call that a list could leave out.
    if (loop.name() == to_string(Backend::io_uring))
        entered.refuse("not with io_uring, which could do all the rest");
    entered.enter();
    bool leaving = false;
    const SignalWatch signals{loop, {SIGINT, SIGTERM, SIGUSR1}, [&](int signal) {
                                  if (signal == SIGUSR1) {
                                      if (stats) std::cerr << stats() << std::endl;
                                  } else if (std::exchange(leaving, true)) {
                                      loop.stop();
                                  } else {
                                      leave_or_stop(loop, leave);
                                  }
                              }};
    // From here on signals are heard, so whoever reads this line may send one.
    std::cout << "listening on " << address.to_string() << std::endl;
    run_whatever_memory_there_is(loop);
    if (stats) std::cerr << stats() << std::endl;
}

ServerProgram::ServerProgram(const std::string& name, const std::string& description)
    : options_{name, description} {
    common_.add_to_server(options_);
    options_.flag("--stats", stats_,
                  "print one line of statistics to standard error at the end and on SIGUSR1");
}

int ServerProgram::run(int argc, char** argv,
                       const std::function<ConnectionHandlers(EventLoop&)>& setup) {
    options_.number("--max-connections", limits_.max_connections, 1, 1'000'000'000,
                    "clients at once; others wait until one goes");
    options_.duration("--idle-timeout", idle_timeout_,
                      "a client from which nothing came and which took nothing for so long is cut");
    return demos::run(options_, argc, argv,
                      [&] { return instead_ && instead_() ? 0 : serve(setup); });
}

int ServerProgram::serve(const std::function<ConnectionHandlers(EventLoop&)>& setup) {
    raise_descriptor_limit();
    EventLoop loop = common_.make_loop();
    limits_.connection.idle_timeout = idle_timeout_;

    // One connection's trouble is its own: it is closed, and the reason is in the statistics.
    ConnectionHandlers handlers = setup(loop);
    if (!handlers.on_error) handlers.on_error = [](const std::exception_ptr&) {};
    limits_.connection.trigger = common_.trigger;
    Server server{loop, common_.address(), std::move(handlers), limits_};
    server_ = &server;

    std::function<std::string()> stats;
    if (stats_) stats = [&] { return stats_line(server, counters_); };
    demos::serve(loop, server.address(), common_.sandbox, stats, [this] { leave(); });
    return 0;
}

void ServerProgram::leave() {
    if (std::exchange(leaving_, true)) return;
    if (on_leaving_) on_leaving_();
    EventLoop& loop = server_->connections().loop();
    server_->drain(patience, [&loop] { loop.stop(); });
}

void ServerProgram::reject(Connection& connection, std::string_view reason) {
    connection.close();
    counters_.count("rejected." + std::string{reason}); // last: there may be no memory for it
}

std::string stats_line(Server& server, const Counters& counters) {
    const ConnectionSet& connections = server.connections();
    return stats_line(connections.stats(), connections.size(), server.shed(), counters);
}

std::string stats_line(const ConnectionStats& stats, std::size_t open, std::uint64_t shed,
                       const Counters& counters) {
    std::string line = "stats accepted=" + std::to_string(stats.opened) +
                       " open=" + std::to_string(open) +
                       " received=" + std::to_string(stats.received) +
                       " sent=" + std::to_string(stats.sent) + " shed=" + std::to_string(shed);
    for (std::size_t reason = 0; reason < stats.closed.size(); ++reason)
        if (stats.closed[reason] > 0)
            line += " closed." + std::string{to_string(static_cast<CloseReason>(reason))} + "=" +
                    std::to_string(stats.closed[reason]);
    return line + counters.to_string() + calls_made();
}

std::string calls_made() {
    std::string text = faults_made();
    for (const CallCount& call : call_counts()) {
        text += " calls." + std::string{call.name} + "=" + std::to_string(call.made);
        if (call.would_block > 0)
            text += " blocked." + std::string{call.name} + "=" + std::to_string(call.would_block);
    }
    return text;
}

} // namespace demos
