// Echo by a blocking thread for each client: what needs no multiplexing at all.
//
// The loop of each thread is recv and send, until the end. Threads have the usual stack (8 MiB of
// addresses, of which the kernel gives only what is touched); the buffer is not on it.

#include "echo_program.hpp"

#include "work.hpp"

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <memory>
#include <pollux/error.hpp>
#include <sys/socket.h>
#include <thread>
#include <utility>

namespace {

bool send_all(int fd, const char* bytes, std::size_t count) {
    while (count > 0) {
        const ssize_t sent = send(fd, bytes, count, MSG_NOSIGNAL);
        if (sent < 0) return false;
        bytes += sent;
        count -= static_cast<std::size_t>(sent);
    }
    return true;
}

void converse(const pollux::Fd& client, const echo::Settings& settings) {
    const auto buffer = std::make_unique_for_overwrite<char[]>(settings.read_size);
    for (;;) {
        const ssize_t got = recv(client.get(), buffer.get(), settings.read_size, 0);
        if (got <= 0) return;
        bench::burn(settings.work);
        if (!send_all(client.get(), buffer.get(), static_cast<std::size_t>(got))) return;
    }
}

// Threads that block in recv cannot be asked to end, so the process ends, and the kernel closes
// what they had.
void end_at_a_signal() {
    sigset_t signals{};
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    pollux::check(sigprocmask(SIG_BLOCK, &signals, nullptr), "sigprocmask");
    std::thread{[signals] {
        int signal = 0;
        sigwait(&signals, &signal);
        std::_Exit(0);
    }}.detach();
}

void serve(const echo::Settings& settings) {
    const pollux::Fd listener = echo::listen(settings);
    echo::make_blocking(listener.get());
    end_at_a_signal();
    echo::announce(listener.get());
    for (;;) {
        pollux::Fd client{accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC)};
        if (!client && errno == ECONNABORTED) continue;
        if (!client) pollux::throw_system_error(errno, "accept4");
        std::thread{[client = std::move(client), &settings] {
            converse(client, settings);
        }}.detach();
    }
}

} // namespace

int main(int argc, char** argv) {
    return echo::run(argc, argv,
                     {.name = "echo_threads",
                      .version = {},
                      .about = "echo by a blocking thread for each client."},
                     serve);
}
