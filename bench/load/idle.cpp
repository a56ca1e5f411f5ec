#include "idle.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <ctime>
#include <fcntl.h>
#include <iostream>
#include <netinet/in.h>
#include <poll.h>
#include <span>
#include <string>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>
#include <vector>

#include "clock.hpp"
#include "dialer.hpp"
#include "json.hpp"
#include "listen_queue.hpp"

namespace load {
namespace {

// By default an address has 28 232 ports to connect from.
constexpr std::size_t most_from_one_address = 20'000;
constexpr unsigned first_other_address = 256; // 127.0.1.0

class Held {
public:
    explicit Held(const Options& options) : dialer_(options) {}

    void open(std::size_t count, unsigned share) {
        make_room_for(count);
        if (share > 0) dialer_.from_loopback(first_other_address + share);
        dialer_.dial_all(count, [&](Fd socket) { sockets_.push_back(std::move(socket)); });
    }

    std::size_t closed_by_server() const {
        std::vector<pollfd> all;
        all.reserve(sockets_.size());
        for (const Fd& socket : sockets_)
            all.push_back({.fd = socket.get(), .events = POLLRDHUP, .revents = 0});
        if (poll(all.data(), all.size(), 0) < 0) fail("poll");
        return static_cast<std::size_t>(
            std::ranges::count_if(all, [](const pollfd& each) { return each.revents != 0; }));
    }

    unsigned port() const noexcept {
        const sockaddr* const address = dialer_.address().ai_addr;
        return ntohs(address->sa_family == AF_INET6
                         ? reinterpret_cast<const sockaddr_in6*>(address)->sin6_port
                         : reinterpret_cast<const sockaddr_in*>(address)->sin_port);
    }

private:
    Dialer dialer_;
    std::vector<Fd> sockets_;
};

void say(const Fd& pipe, const std::string& text) {
    const std::string line = text + '\n';
    if (write(pipe.get(), line.data(), line.size()) < 0) _exit(2);
}

std::string read_line(const Fd& pipe) {
    std::string line;
    char byte = 0;
    while (read(pipe.get(), &byte, 1) == 1 && byte != '\n') line += byte;
    if (byte != '\n') throw Failure{"a process that held connections ended"};
    return line;
}

/// A child process with a share of the connections. It ends when the pipe to it does, and so when
/// its parent does.
class Helper {
public:
    Helper(Fd to, Fd from, pid_t pid) : to_(std::move(to)), from_(std::move(from)), pid_(pid) {}
    Helper(Helper&& other) noexcept
        : to_(std::move(other.to_)),
          from_(std::move(other.from_)),
          pid_(std::exchange(other.pid_, -1)) {}
    Helper& operator=(Helper&&) = delete;
    ~Helper() {
        to_.reset();
        if (pid_ > 0) waitpid(pid_, nullptr, 0);
    }

    /// Returns when its connections are open. Throws `Failure`.
    void wait_until_open() const {
        if (const std::string complaint = read_line(from_); !complaint.empty())
            throw Failure{complaint};
    }

    std::size_t closed_by_server() {
        to_.reset();
        return std::stoul(read_line(from_));
    }

    /// In a child process that inherited it: only the parent waits for its children.
    void forget() noexcept { pid_ = -1; }

private:
    Fd to_;
    Fd from_;
    pid_t pid_;
};

[[noreturn]] void help(const Options& options, std::size_t count, unsigned share,
                       const Fd& parents_end, const Fd& answers) {
    Held held{options};
    try {
        held.open(count, share);
        say(answers, "");
    } catch (const Failure& failure) {
        say(answers, failure.what());
    }
    char byte = 0;
    while (read(parents_end.get(), &byte, 1) > 0) {
    }
    say(answers, std::to_string(held.closed_by_server()));
    _exit(0);
}

void start_helper(const Options& options, std::size_t count, std::vector<Helper>& helpers) {
    int to[2];
    int from[2];
    if (pipe2(to, O_CLOEXEC) < 0 || pipe2(from, O_CLOEXEC) < 0) fail("pipe2");
    const Fd to_read{to[0]};
    Fd to_write{to[1]};
    Fd from_read{from[0]};
    const Fd from_write{from[1]};
    const auto share = static_cast<unsigned>(helpers.size() + 1);
    const pid_t pid = fork();
    if (pid < 0) fail("fork");
    if (pid > 0) {
        helpers.emplace_back(std::move(to_write), std::move(from_read), pid);
        return;
    }
    // A pipe ends only when nobody else can write to it.
    for (Helper& other : helpers) other.forget();
    helpers.clear();
    to_write.reset();
    from_read.reset();
    help(options, count, share, to_read, from_write);
}

void wait_until_accepted(const Options& options, unsigned port) {
    const std::int64_t deadline = now() + options.patience.count();
    constexpr timespec moment{.tv_sec = 0, .tv_nsec = 5'000'000};
    while (const std::size_t waiting = waiting_in_listen_queue(port)) {
        if (now() >= deadline)
            throw Failure{std::to_string(waiting) + " of " + std::to_string(options.connections) +
                          " connections wait in the listen queue"};
        nanosleep(&moment, nullptr);
    }
}

} // namespace

void open_and_hold(const Options& options) {
    const std::size_t share = std::min(most_connections(), most_from_one_address);
    if (share == 0) throw Failure{"no descriptors are left for connections"};
    const std::size_t own = std::min(share, options.connections);
    Held held{options};
    std::vector<Helper> helpers;
    for (std::size_t left = options.connections - own; left > 0; left -= std::min(share, left))
        start_helper(options, std::min(share, left), helpers);
    held.open(own, 0);
    for (const Helper& helper : helpers) helper.wait_until_open();
    wait_until_accepted(options, held.port());
    std::cout << "ready" << std::endl;
    for (std::string line; std::getline(std::cin, line) && line != "end";) {
    }
    std::size_t closed = held.closed_by_server();
    for (Helper& helper : helpers) closed += helper.closed_by_server();
    std::cout << Json{}
                     .text("mode", "idle")
                     .number("connections", options.connections)
                     .number("processes", helpers.size() + 1)
                     .number("closed", closed)
                     .line()
              << std::endl;
}

} // namespace load
