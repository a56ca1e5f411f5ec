#include "listen_queue.hpp"

#include <fstream>
#include <sstream>
#include <string_view>

namespace load {
namespace {

constexpr std::string_view listening = "0A";

unsigned hexadecimal(const std::string& text) {
    return static_cast<unsigned>(std::stoul(text, nullptr, 16));
}

// "0: 0100007F:1F90 00000000:0000 0A 00000000:00000002 …": the queue is the second number of the
// pair.
std::size_t waiting_in(std::istream& table, unsigned port) {
    std::size_t waiting = 0;
    std::string line;
    std::getline(table, line);
    while (std::getline(table, line)) {
        std::istringstream words{line};
        std::string number;
        std::string local;
        std::string remote;
        std::string state;
        std::string queues;
        words >> number >> local >> remote >> state >> queues;
        if (state != listening) break; // who listens stands first, and the rest may be long
        if (hexadecimal(local.substr(local.rfind(':') + 1)) == port)
            waiting += hexadecimal(queues.substr(queues.rfind(':') + 1));
    }
    return waiting;
}

} // namespace

std::size_t waiting_in_listen_queue(const std::string& table, unsigned port) {
    std::istringstream stream{table};
    return waiting_in(stream, port);
}

std::size_t waiting_in_listen_queue(unsigned port) {
    std::size_t waiting = 0;
    for (const char* path : {"/proc/net/tcp", "/proc/net/tcp6"}) {
        std::ifstream table{path};
        waiting += waiting_in(table, port);
    }
    return waiting;
}

} // namespace load
