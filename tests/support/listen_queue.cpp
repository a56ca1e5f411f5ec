#include "listen_queue.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <fstream>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pollux/error.hpp>
#include <sstream>
#include <string>
#include <sys/socket.h>
#include <thread>

#include "sockets.hpp"

namespace pollux_test {

using pollux::check;
using pollux::Fd;

namespace {

// What /proc/net/tcp calls the receive queues of the port's listeners.
int waiting_at(int port) {
    std::ifstream table{"/proc/self/net/tcp"};
    std::string line;
    std::getline(table, line);
    int waiting = 0;
    while (std::getline(table, line)) {
        std::istringstream words{line};
        std::string number;
        std::string local;
        std::string remote;
        std::string state;
        std::string queues;
        words >> number >> local >> remote >> state >> queues;
        if (state == "0A" && std::stoi(local.substr(local.find(':') + 1), nullptr, 16) == port)
            waiting += std::stoi(queues.substr(queues.find(':') + 1), nullptr, 16);
    }
    return waiting;
}

int waiting_at(const Fd& listener) {
    tcp_info now{};
    socklen_t size = sizeof now;
    check(::getsockopt(listener.get(), IPPROTO_TCP, TCP_INFO, &now, &size), "getsockopt TCP_INFO");
    return static_cast<int>(now.tcpi_unacked); // of a listener, the length of its queue
}

template <class Listener> void await_waiting(const Listener& listener, int clients) {
    const auto end = std::chrono::steady_clock::now() + longest_wait;
    while (waiting_at(listener) != clients && std::chrono::steady_clock::now() < end)
        std::this_thread::yield();
    REQUIRE_EQ(waiting_at(listener), clients);
}

} // namespace

void await_in_queue(int port, int clients) { await_waiting(port, clients); }
void await_in_queue(const Fd& listener, int clients) { await_waiting(listener, clients); }

} // namespace pollux_test
