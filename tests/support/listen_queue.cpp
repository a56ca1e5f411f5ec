#include "listen_queue.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>

namespace pollux_test {
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

} // namespace

void await_in_queue(int port, int clients) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds{10};
    while (waiting_at(port) != clients && std::chrono::steady_clock::now() < end)
        std::this_thread::yield();
    REQUIRE_EQ(waiting_at(port), clients);
}

} // namespace pollux_test
