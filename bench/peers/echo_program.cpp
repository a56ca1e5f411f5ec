#include "echo_program.hpp"

#include <csignal>
#include <fcntl.h>
#include <iostream>
#include <pollux/error.hpp>
#include <pollux/net/socket.hpp>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/utsname.h>
#include <utility>

namespace echo {
namespace {

constexpr std::size_t largest_read = std::size_t{1} << 24U;
constexpr std::size_t most_work = 1'000'000;

void raise_descriptor_limit() {
    rlimit limit{};
    pollux::check(getrlimit(RLIMIT_NOFILE, &limit), "getrlimit");
    limit.rlim_cur = limit.rlim_max;
    pollux::check(setrlimit(RLIMIT_NOFILE, &limit), "setrlimit");
}

std::string version_of(const Program& program) {
    if (!program.version.empty()) return program.version;
    utsname system{};
    pollux::check(uname(&system), "uname");
    return std::string{system.sysname} + ' ' + system.release;
}

// Whether there is something to serve.
bool read_command_line(int argc, char** argv, Program& program, Settings& settings) {
    bool help = false;
    bool version = false;
    std::size_t work = 0;
    Options& options = program.options;
    options.text("--host", settings.host, "address: 127.0.0.1, ::1 (127.0.0.1)");
    options.number("--port", settings.port, 0, 65535, "0 picks a free one (0)");
    options.number("--read-size", settings.read_size, 1, largest_read,
                   "bytes that one read asks for (65536)");
    options.number("--work", work, 0, most_work, "microseconds of work for each read (0)");
    options.flag("--version", version, "print library and version");
    options.flag("--help", help, "print this");
    options.parse(argc, argv);
    settings.work = std::chrono::microseconds{work};
    if (help)
        std::cout << program.name << ": " << program.about << "\n\n" << options.help();
    else if (version)
        std::cout << version_of(program) << '\n';
    return !help && !version;
}

} // namespace

int run(int argc, char** argv, Program program, const std::function<void(const Settings&)>& serve) {
    try {
        Settings settings;
        if (!read_command_line(argc, argv, program, settings)) return 0;
        raise_descriptor_limit();
        std::signal(SIGPIPE, SIG_IGN);
        serve(settings);
        return 0;
    } catch (const std::system_error& error) {
        std::cerr << program.name << ": " << error.what() << '\n';
        return 1;
    } catch (const std::exception& error) {
        std::cerr << program.name << ": " << error.what() << '\n';
        return 2;
    }
}

pollux::Fd listen(const Settings& settings) {
    const auto address = pollux::Address::of(settings.host, static_cast<int>(settings.port));
    auto listener = pollux::Socket::listen(address);
    if (address.family() != AF_UNIX) listener.set(pollux::option::no_delay, true);
    return listener.release();
}

void make_blocking(int fd) {
    const int flags = pollux::check(fcntl(fd, F_GETFL), "fcntl");
    pollux::check(fcntl(fd, F_SETFL, flags & ~O_NONBLOCK), "fcntl");
}

void announce(int listener) {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    pollux::check(getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size),
                  "getsockname");
    std::cout << "listening on "
              << pollux::Address::from(reinterpret_cast<sockaddr*>(&address), size).to_string()
              << std::endl;
}

pollux::Fd termination() {
    sigset_t signals{};
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    pollux::check(sigprocmask(SIG_BLOCK, &signals, nullptr), "sigprocmask");
    return pollux::Fd{
        pollux::check(signalfd(-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC), "signalfd")};
}

} // namespace echo
