// A file in memory to clients that take all they get: a thread for each that blocks in sendfile(2),
// against one thread that never blocks there and waits with epoll (Pariag et al., EuroSys 2007).
//
//     kernel_send SENDING_CORE TAKING_CORE, then: go MEBIBYTES blocking|non-blocking CONNECTIONS
//
// So much in all, over TCP on the loopback. Times from the first call to the last byte taken, and
// the CPU time of the sending threads alone.

#include <algorithm>
#include <arpa/inet.h>
#include <atomic>
#include <cerrno>
#include <fcntl.h>
#include <iostream>
#include <netinet/in.h>
#include <sched.h>
#include <stdexcept>
#include <string>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

#include "clocks.hpp"
#include "descriptor.hpp"
#include "stand_by.hpp"

namespace {

using namespace kernel;

constexpr std::size_t mebibyte = 1 << 20;
constexpr std::size_t file_size = 4 * mebibyte;

void move_to(std::size_t core) {
    cpu_set_t cores;
    CPU_ZERO(&cores);
    CPU_SET(core, &cores);
    check(sched_setaffinity(0, sizeof cores, &cores), "sched_setaffinity");
}

Descriptor file_in_memory() {
    Descriptor file{check(memfd_create("file", MFD_CLOEXEC), "memfd_create")};
    const std::string bytes(mebibyte, 'x');
    for (std::size_t size = 0; size < file_size; size += bytes.size())
        check(write(file.get(), bytes.data(), bytes.size()), "write");
    return file;
}

struct Connection {
    Descriptor sender;
    Descriptor taker;
    std::size_t left = 0;
    off_t place = 0;

    /// Sends what one call takes. False when all was sent.
    bool send_some(int file) {
        if (left == 0) return false;
        if (place == static_cast<off_t>(file_size)) place = 0;
        const std::size_t part = std::min(left, file_size - static_cast<std::size_t>(place));
        const long sent = sendfile(sender.get(), file, &place, part);
        if (sent < 0) {
            blocked = errno == EAGAIN;
            if (!blocked) check(-1, "sendfile");
            return true;
        }
        left -= static_cast<std::size_t>(sent);
        return left > 0;
    }
    bool blocked = false;
};

std::vector<Connection> connect_all(std::size_t count, bool non_blocking) {
    const Descriptor listener{check(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket")};
    sockaddr_in address{
        .sin_family = AF_INET, .sin_port = 0, .sin_addr = {htonl(INADDR_LOOPBACK)}, .sin_zero = {}};
    socklen_t size = sizeof address;
    auto* const generic = reinterpret_cast<sockaddr*>(&address);
    check(bind(listener.get(), generic, size), "bind");
    check(listen(listener.get(), static_cast<int>(count)), "listen");
    check(getsockname(listener.get(), generic, &size), "getsockname");
    std::vector<Connection> connections(count);
    const int flags = SOCK_CLOEXEC | (non_blocking ? SOCK_NONBLOCK : 0);
    for (Connection& each : connections) {
        each.taker = Descriptor{check(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket")};
        check(connect(each.taker.get(), generic, size), "connect");
        each.sender = Descriptor{check(accept4(listener.get(), nullptr, nullptr, flags), "accept")};
    }
    return connections;
}

/// Takes so much from all of them, and copies nothing.
void take_all(const std::vector<Connection>& connections, std::size_t bytes) {
    const Descriptor epoll = make_epoll();
    for (const Connection& each : connections) watch(epoll.get(), each.taker.get(), EPOLLIN);
    std::vector<epoll_event> events(connections.size());
    while (bytes > 0) {
        const long found =
            check(epoll_wait(epoll.get(), events.data(), static_cast<int>(events.size()), -1),
                  "epoll_wait");
        for (std::size_t i = 0; i < static_cast<std::size_t>(found); ++i)
            bytes -= static_cast<std::size_t>(check(
                recv(events[i].data.fd, nullptr, mebibyte, MSG_TRUNC | MSG_DONTWAIT), "recv"));
    }
}

void send_without_blocking(std::vector<Connection>& connections, int file) {
    const Descriptor epoll = make_epoll();
    for (Connection& each : connections) {
        epoll_event event{.events = EPOLLOUT | EPOLLET, .data = {.ptr = &each}};
        check(epoll_ctl(epoll.get(), EPOLL_CTL_ADD, each.sender.get(), &event), "epoll_ctl");
    }
    std::vector<epoll_event> events(connections.size());
    for (std::size_t unfinished = connections.size(); unfinished > 0;) {
        const long found =
            check(epoll_wait(epoll.get(), events.data(), static_cast<int>(events.size()), -1),
                  "epoll_wait");
        for (std::size_t i = 0; i < static_cast<std::size_t>(found); ++i) {
            auto& connection = *static_cast<Connection*>(events[i].data.ptr);
            if (connection.left == 0) continue;
            connection.blocked = false;
            while (connection.send_some(file) && !connection.blocked) {
            }
            if (connection.left == 0) --unfinished;
        }
    }
}

std::int64_t send_all(std::vector<Connection>& connections, int file, std::size_t core,
                      bool non_blocking) {
    std::atomic<std::int64_t> cpu = 0;
    const auto in_thread = [&](auto send) {
        return std::thread{[&cpu, core, send] {
            move_to(core);
            const std::int64_t begin = thread_cpu();
            send();
            cpu += thread_cpu() - begin;
        }};
    };
    std::vector<std::thread> threads;
    if (non_blocking)
        threads.push_back(in_thread([&] { send_without_blocking(connections, file); }));
    else
        for (Connection& each : connections)
            threads.push_back(in_thread([&each, file] {
                while (each.send_some(file)) {
                }
            }));
    for (std::thread& each : threads) each.join();
    return cpu;
}

Answer measure(const Question& question, int file, std::size_t core) {
    const std::string& way = question.word(0);
    const std::size_t count = question.number(1);
    if (way != "blocking" && way != "non-blocking") throw std::invalid_argument{"no way " + way};
    if (count == 0) throw std::invalid_argument{"at least one connection"};
    const bool non_blocking = way == "non-blocking";
    std::vector<Connection> connections = connect_all(count, non_blocking);
    for (Connection& each : connections) each.left = question.count() * mebibyte / count;
    std::size_t all = 0;
    for (const Connection& each : connections) all += each.left;
    const std::int64_t begin = now();
    std::int64_t cpu = 0;
    std::thread sending{[&] { cpu = send_all(connections, file, core, non_blocking); }};
    take_all(connections, all);
    const std::int64_t elapsed = now() - begin;
    sending.join();
    return Answer{}
        .add("count", static_cast<std::int64_t>(question.count()))
        .add("elapsed_ns", elapsed)
        .add("cpu_ns", cpu);
}

} // namespace

int main(int argc, char** argv) {
    if (argc != 3) {
        std::cerr << "kernel_send SENDING_CORE TAKING_CORE\n";
        return 2;
    }
    const std::size_t sending = std::stoul(argv[1]);
    move_to(std::stoul(argv[2]));
    const Descriptor file = file_in_memory();
    return stand_by(
        [&](const Question& question) { return measure(question, file.get(), sending); });
}
