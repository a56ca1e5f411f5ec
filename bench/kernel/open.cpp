// The lowest free descriptor, when many are open (Banga and Mogul, USENIX 1998).
//
//     kernel_open, then: go TIMES OPEN
//
// With so many descriptors open it closes the lowest and the highest and opens both again: the
// second search begins at the bottom and ends at the top.

#include <stdexcept>
#include <unistd.h>

#include "clocks.hpp"
#include "descriptor.hpp"
#include "stand_by.hpp"

namespace {

using namespace kernel;

Answer measure(const Question& question, int origin) {
    if (question.number(0) < 2) throw std::invalid_argument{"at least 2 descriptors"};
    std::vector<Descriptor> opened;
    while (opened.size() < question.number(0)) opened.emplace_back(check(dup(origin), "dup"));
    const std::int64_t begin = thread_cpu();
    for (std::uint64_t left = question.count(); left > 0; --left) {
        opened.front() = Descriptor{};
        opened.back() = Descriptor{};
        opened.front() = Descriptor{check(dup(origin), "dup")};
        opened.back() = Descriptor{check(dup(origin), "dup")};
    }
    return Answer{}
        .add("count", static_cast<std::int64_t>(question.count()))
        .add("cpu_ns", thread_cpu() - begin);
}

} // namespace

int main() {
    raise_descriptor_limit();
    const std::vector<Descriptor> origin = open_eventfds(1);
    return stand_by(
        [&](const Question& question) { return measure(question, origin.front().get()); });
}
