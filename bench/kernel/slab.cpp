// What the kernel keeps for a registration with epoll.
//
//     kernel_slab DESCRIPTORS, then: go SETS
//
// Registers all descriptors in so many further epoll sets, which stay until the end: what is given
// back would be taken again by the next round and not be seen. Answers how much the unreclaimable
// slab memory of the whole machine has grown.

#include <fstream>
#include <iostream>
#include <stdexcept>
#include <string>
#include <sys/epoll.h>

#include "descriptor.hpp"
#include "stand_by.hpp"

namespace {

using namespace kernel;

std::int64_t slab_bytes() {
    std::ifstream file{"/proc/meminfo"};
    for (std::string line; std::getline(file, line);)
        if (line.starts_with("SUnreclaim:")) return 1024 * std::stoll(line.substr(11));
    throw std::runtime_error{"/proc/meminfo does not tell SUnreclaim"};
}

class Registrations {
public:
    explicit Registrations(std::size_t descriptors) : fds_{open_eventfds(descriptors)} {}

    Answer add_sets(const Question& question) {
        const std::int64_t before = slab_bytes();
        for (std::uint64_t left = question.count(); left > 0; --left) {
            sets_.push_back(make_epoll());
            for (const Descriptor& each : fds_) watch(sets_.back().get(), each.get(), EPOLLIN);
        }
        return Answer{}
            .add("count", static_cast<std::int64_t>(question.count() * fds_.size()))
            .add("bytes", slab_bytes() - before);
    }

private:
    std::vector<Descriptor> fds_;
    std::vector<Descriptor> sets_;
};

} // namespace

int main(int argc, char** argv) {
    if (argc != 2) {
        std::cerr << "kernel_slab DESCRIPTORS\n";
        return 2;
    }
    raise_descriptor_limit();
    Registrations registrations{std::stoul(argv[1])};
    return stand_by([&](const Question& question) { return registrations.add_sets(question); });
}
